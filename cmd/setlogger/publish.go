package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// bucketPublishCommand keeps a view on the remotes, or no longer.
func bucketPublishCommand(g *globals) *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use: "publish NAME", Short: "Keep a view of a bucket on its remotes, for readers with no daemon",
		Long: "Keep a view of a bucket on each of its remotes: a small file by which whoever can fetch files by name,\nsuch as a web page of a static host, reads the bucket with no daemon. Whoever may read the remote's files\nmay read the bucket. It is a setting of the bucket, so for all devices.",
		Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			change := json.RawMessage(`{"publish":true}`)
			if off {
				change = json.RawMessage(`{"publish":null}`)
			}
			b, err := c.ChangeSettings(cmd.Context(), args[0], change)
			if err != nil {
				return err
			}
			if off {
				_, err = fmt.Fprintf(g.say(cmd), "Bucket %s is no longer published; its view goes with the next sync.\n", b.Name)
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Bucket %s is published as %s on %s, once it is synced and rests.\n", b.Name, b.View, listed(b.Remotes))
			return err
		},
	}
	cmd.Flags().BoolVar(&off, "off", false, "keep none any more")
	return cmd
}
