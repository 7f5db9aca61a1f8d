package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func undoCommand(g *globals) *cobra.Command {
	var u api.Undo
	var key string
	cmd := &cobra.Command{
		Use: "undo BUCKET WRITER:NUMBER | undo BUCKET --last", Short: "Undo an entry where nothing changed it since",
		Long: "Undo an entry of the log: put back what it changed, for all devices. What was changed since is left alone and named.\n" +
			"With --last, undo the last entry of this device that is not undone; again and again goes further back.\n" +
			"An undo is an entry as well: undo it to have back what it undid.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 || u.Last == (len(args) == 2) {
				return errors.New("undo needs a bucket, and either WRITER:NUMBER or --last")
			}
			return nil
		},
		ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !u.Last {
				u.Entry = args[1]
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			done, err := c.Undo(cmd.Context(), args[0], u, key)
			if err != nil {
				return err
			}
			return g.sayUndone(cmd, done)
		},
	}
	cmd.Flags().BoolVar(&u.Last, "last", false, "the last entry of this device that is not undone")
	cmd.Flags().StringVar(&key, "key", "", "idempotency key: a repeat with the same key undoes nothing")
	return cmd
}

// sayUndone prints what an undo did. To leave all alone is a failure.
func (g *globals) sayUndone(cmd *cobra.Command, done *api.Undone) error {
	for _, l := range done.Left {
		if _, err := fmt.Fprintln(cmd.ErrOrStderr(), "Left alone: "+where(l)+": "+l.Reason); err != nil {
			return err
		}
	}
	var err error
	switch {
	case done.Number != nil:
		_, err = fmt.Fprintf(g.say(cmd), "%s:%d undoes %s\n", done.Writer, *done.Number, done.Entry)
	case len(done.Left) > 0:
		return errFindings
	default:
		_, err = fmt.Fprintf(g.say(cmd), "Nothing of %s is to be put back.\n", done.Entry)
	}
	return err
}

// where names a part of an entry as a person reads it.
func where(l api.Left) string {
	if l.ID == "" {
		return "the schema"
	}
	return strings.Join(append([]string{l.ID}, l.Path...), "/")
}
