package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func compactCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "compact BUCKET", Short: "Index what no index holds yet, so that newcomers need not read the log", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			done, err := c.Compact(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for _, r := range done.Remotes {
				text := "an index was written"
				if r.Indexes == 0 {
					text = "all is indexed already"
				}
				fmt.Fprintf(g.say(cmd), "%s: %s\n", r.Name, text)
			}
			if len(done.Remotes) == 0 {
				_, err = fmt.Fprintf(g.say(cmd), "Bucket %s syncs with no remote: there is nothing to index.\n", args[0])
			}
			return err
		},
	}
}
