package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func historyCommand(g *globals) *cobra.Command {
	var cursor string
	var limit int
	cmd := &cobra.Command{
		Use: "history BUCKET ID", Short: "Print what was written to a node, the last first", Args: cobra.ExactArgs(2),
		Long: "Print the entries that name a node, the last first, also of a node that is gone. An entry that came to nothing because\n" +
			"another device deleted the node at the same time says so. undo takes an entry, get --at and list --at take a stamp.\n" +
			"With --json or --limit, print one page; --cursor takes the next of the page before.",
		ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			for onePage := g.json || limit > 0; ; {
				page, err := c.History(cmd.Context(), args[0], args[1], cursor, limit)
				if err != nil {
					return err
				}
				if err := g.sayHistory(cmd, page); err != nil || page.Next == nil || onePage {
					return err
				}
				cursor = *page.Next
			}
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "entries a page")
	cmd.Flags().StringVar(&cursor, "cursor", "", "where the page begins")
	return cmd
}

// sayHistory prints a page, an entry a line.
func (g *globals) sayHistory(cmd *cobra.Command, page *api.History) error {
	for _, e := range page.Entries {
		var actions []string
		for _, a := range e.Actions {
			actions = append(actions, string(a))
		}
		note := ""
		if e.Overridden != "" {
			note = "\toverridden by " + e.Overridden
		}
		if _, err := fmt.Fprintf(g.say(cmd), "%s\t%s\t%s\t%s%s\n", e.Time, e.Stamp, e.Entry, strings.Join(actions, " "), note); err != nil {
			return err
		}
	}
	if page.Next != nil || page.Whole {
		return nil
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), "What was before came by an index, and is not in this device's log.")
	return err
}
