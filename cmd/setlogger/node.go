package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func dispatchCommand(g *globals) *cobra.Command {
	var o api.AppendOptions
	cmd := &cobra.Command{
		Use: "dispatch BUCKET ACTION.json|-|'{…}'", Short: `Append one action, or a transaction {"actions":[…]}`,
		Args: cobra.ExactArgs(2), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			action, err := readAction(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			a, err := c.Append(cmd.Context(), args[0], action, o)
			if err != nil {
				return err
			}
			if a.Number == nil {
				_, err = fmt.Fprintln(g.say(cmd), "Nothing changed: it is so already.")
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "%s:%d %s\n", a.Writer, *a.Number, a.Stamp)
			return err
		},
	}
	cmd.Flags().StringVar(&o.IfMatch, "if-match", "", "rev that the node must have")
	cmd.Flags().StringVar(&o.Key, "key", "", "idempotency key: a repeat with the same key appends nothing")
	return cmd
}

// readAction reads a file, standard input, or the argument itself when it is an object.
func readAction(stdin io.Reader, from string) ([]byte, error) {
	switch {
	case strings.HasPrefix(strings.TrimSpace(from), "{"):
		return []byte(from), nil
	case from == "-":
		return io.ReadAll(stdin)
	}
	return os.ReadFile(from)
}

func getCommand(g *globals) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use: "get BUCKET ID", Short: "Print the value of a node", Args: cobra.ExactArgs(2), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			n, err := nodeOf(cmd, c, args, at)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(g.say(cmd), string(n.Value))
			return err
		},
	}
	cmd.Flags().StringVar(&at, "at", "", atUsage)
	return cmd
}

const atUsage = "as it was then: a stamp of the log, or a time such as 2026-01-31T12:00:00Z"

// nodeOf is the node that the arguments name, as it is or as it was.
func nodeOf(cmd *cobra.Command, c *api.Client, args []string, at string) (*api.Node, error) {
	if at != "" {
		return c.NodeAt(cmd.Context(), args[0], args[1], at)
	}
	return c.Node(cmd.Context(), args[0], args[1])
}

func listCommand(g *globals) *cobra.Command {
	var q api.Query
	cmd := &cobra.Command{
		Use: "list BUCKET", Short: "Print id and value of all nodes, in the bucket's order", Args: cobra.ExactArgs(1),
		Long:              "Print id and value of all nodes, in the bucket's order, which is newest first unless its schema says else.\nWith --json or --limit, print one page; --cursor takes the next of the page before.",
		ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			for onePage := g.json || q.Limit > 0; ; {
				page, err := c.Nodes(cmd.Context(), args[0], q)
				if err != nil {
					return err
				}
				for _, n := range page.Nodes {
					if _, err := fmt.Fprintf(g.say(cmd), "%s\t%s\n", n.ID, n.Value); err != nil {
						return err
					}
				}
				if page.Next == nil || onePage {
					return nil
				}
				q.Cursor = *page.Next
			}
		},
	}
	cmd.Flags().StringVar(&q.Prefix, "prefix", "", "only ids that begin with it, in the order of ids")
	cmd.Flags().StringArrayVar(&q.Where, "where", nil, "only nodes with PROPERTY:OPERATOR:VALUE, of eq, in, lt, gt, starts-with; may be given again")
	cmd.Flags().StringSliceVar(&q.Fields, "fields", nil, "only these properties of the values, separated by commas")
	cmd.Flags().StringVar(&q.Order, "order", "", "another order: id, or names such as -created,title")
	cmd.Flags().IntVar(&q.Limit, "limit", 0, "nodes a page")
	cmd.Flags().StringVar(&q.At, "at", "", atUsage)
	cmd.Flags().StringVar(&q.Cursor, "cursor", "", "where the page begins")
	return cmd
}

func logCommand(g *globals) *cobra.Command {
	var follow bool
	var after string
	cmd := &cobra.Command{
		Use: "log BUCKET", Short: "Print the entries in the order they reached this device, one JSON object a line",
		Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if follow {
				return g.followLog(cmd, args[0], after)
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			for {
				l, err := c.Log(cmd.Context(), args[0], after, 0)
				if err != nil {
					return err
				}
				for _, e := range l.Entries {
					if err := printEntry(g.say(cmd), e); err != nil {
						return err
					}
				}
				if g.json || len(l.Entries) == 0 {
					return nil
				}
				after = l.Next
			}
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with entries as they come")
	cmd.Flags().StringVar(&after, "after", "", "begin after this offset")
	return cmd
}

// followLog prints entries until it is interrupted. A stream has no one answer: --json changes nothing.
func (g *globals) followLog(cmd *cobra.Command, bucket, after string) error {
	g.json = false
	c, err := g.client(cmd)
	if err != nil {
		return err
	}
	for e, err := range c.FollowLog(cmd.Context(), bucket, after) {
		if cmd.Context().Err() != nil {
			return nil //nolint:nilerr // the person has seen enough
		}
		if err != nil {
			return err
		}
		if err := printEntry(cmd.OutOrStdout(), e); err != nil {
			return err
		}
	}
	return nil
}

func watchCommand(g *globals) *cobra.Command {
	var after string
	cmd := &cobra.Command{
		Use: "watch BUCKET", Short: "Print all nodes, then each that changes, one JSON object a line; goes on when the daemon comes back",
		Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error { return g.watch(cmd, args[0], after) },
	}
	cmd.Flags().StringVar(&after, "after", "", "print only what changed after this place")
	return cmd
}

// watch prints nodes until it is interrupted: as they are, or deleted. --json prints the events, with their places.
func (g *globals) watch(cmd *cobra.Command, bucket, after string) error {
	raw := g.json
	g.json = false
	c, err := g.client(cmd)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(cmd.OutOrStdout())
	lines.SetEscapeHTML(false)
	for event, err := range c.Watch(cmd.Context(), bucket, after) {
		if cmd.Context().Err() != nil {
			return nil //nolint:nilerr // the person has seen enough
		}
		if err == nil && raw {
			err = lines.Encode(event)
		}
		for _, node := range event.Nodes {
			if err == nil && !raw {
				err = lines.Encode(node)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func printEntry(w io.Writer, e api.Entry) error {
	_, err := fmt.Fprintf(w, "{\"offset\":%q,\"writer\":%q,\"entry\":%s}\n", e.Offset, e.Writer, e.Entry)
	return err
}
