package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func statusCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Tell what is going on", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return g.printStatus(g.say(cmd), s)
		},
	}
}

func (g *globals) printStatus(w io.Writer, s *api.Status) error {
	fmt.Fprintf(w, "%s on %s: %s, %d waiting to sync, last sync %s\ndata folder %s\n\n",
		s.Version, s.Device, s.State, s.Pending, moment(s.LastSync), g.data)
	for _, p := range s.Problems {
		printProblem(w, p)
	}
	if len(s.Problems) > 0 {
		fmt.Fprintln(w)
	}
	if err := tableOfBuckets(w, s.Buckets); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return tableOfRemotes(w, s.Remotes)
}

// printProblem says what was met, what it comes of, what works on and what to do.
func printProblem(w io.Writer, p api.Problem) {
	fmt.Fprintf(w, "! %s: %s\n  %s: %s", p.Subject, p.Detail, p.Name, p.Cause)
	if p.Until != nil {
		fmt.Fprintf(w, "; until %s", moment(p.Until))
	}
	fmt.Fprintf(w, "\n  Effect: %s\n  Mend: %s\n", p.Effect, p.Hint)
}

func verifyCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "verify [BUCKET|REMOTE]", Short: "Check every hash, signature and chain", Args: cobra.MaximumNArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			subject := ""
			if len(args) == 1 {
				subject = args[0]
			}
			v, err := c.Verify(cmd.Context(), subject)
			if err != nil {
				return err
			}
			for _, f := range v.Findings {
				fmt.Fprintf(g.say(cmd), "! %s: %s\n  %s\n", f.Subject, f.Detail, f.Hint)
			}
			if !v.OK {
				return errFindings
			}
			_, err = fmt.Fprintf(g.say(cmd), "All is well: %d entries and %d files checked.\n", v.Checked, v.Files)
			return err
		},
	}
}
