package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func bucketMirrorCommand(g *globals) *cobra.Command {
	var add, remove []string
	var leave bool
	cmd := &cobra.Command{
		Use: "mirror NAME --remote R | --remove R", Short: "Have a bucket sync with one more remote, or with one less", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		Long: "Have a bucket sync with one more remote: it is given what the others have, history too, and then kept in sync like them, so that\n" +
			"each of them alone has all of the bucket. --remove takes the bucket off one; nothing there is touched.",
		RunE: func(cmd *cobra.Command, args []string) error {
			quiet, c, err := g.clients(cmd)
			if err != nil {
				return err
			}
			b, err := quiet.Bucket(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			wanted := slices.Concat(b.Remotes, remotesIn(b.Filling), add)
			slices.Sort(wanted)
			wanted = slices.DeleteFunc(slices.Compact(wanted), func(name string) bool { return slices.Contains(remove, name) })
			if _, err := quiet.ChangeRemotes(cmd.Context(), args[0], wanted); err != nil {
				return err
			}
			if !leave {
				if err := awaitFilling(cmd, quiet, args[0]); err != nil {
					return err
				}
			}
			if b, err = c.Bucket(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Bucket %s syncs with %s.\n", b.Name, listed(b.Remotes))
			return err
		},
	}
	cmd.Flags().StringArrayVar(&add, "remote", nil, "remote to sync with too")
	cmd.Flags().StringArrayVar(&remove, "remove", nil, "remote to sync with no more")
	cmd.Flags().BoolVar(&leave, "no-wait", false, "do not wait until the remote has all; setlogger bucket list tells")
	cmd.MarkFlagsOneRequired("remote", "remove")
	return cmd
}

// clients are one that prints nothing, for the way, and the one of the last call.
func (g *globals) clients(cmd *cobra.Command) (quiet, last *api.Client, err error) {
	if last, err = g.client(cmd); err != nil {
		return nil, nil, err
	}
	silent := *g
	silent.json = false
	quiet, err = silent.client(cmd)
	return quiet, last, err
}

func remotesIn(all []api.Filling) []string {
	var names []string
	for _, f := range all {
		names = append(names, f.Remote)
	}
	return names
}

// awaitFilling tells how far a bucket's new remotes are, until it syncs with all of them.
func awaitFilling(cmd *cobra.Command, c *api.Client, name string) error {
	told := ""
	return awaitStatus(cmd.Context(), c, func(s api.Status) (bool, error) {
		i := slices.IndexFunc(s.Buckets, func(b api.BucketStatus) bool { return b.Name == name })
		if i < 0 {
			return true, fmt.Errorf("bucket %s was left meanwhile", name)
		}
		var now strings.Builder
		for _, f := range s.Buckets[i].Filling {
			fmt.Fprintf(&now, "%s: %d of %d files%s\n", f.Remote, f.Files.Done, f.Files.Total, because(f.Error))
		}
		if now.String() != told {
			told = now.String()
			fmt.Fprint(cmd.ErrOrStderr(), told)
		}
		return told == "", nil
	})
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return "; the last try failed and is made again: " + why
}

// awaitStatus reads the status, once and after each change, until it is as wanted.
func awaitStatus(ctx context.Context, c *api.Client, done func(s api.Status) (bool, error)) error {
	for s, err := range c.Events(ctx) {
		if err != nil {
			return err
		}
		if ok, err := done(s); ok || err != nil {
			return err
		}
	}
	return ctx.Err()
}

func remoteMoveCommand(g *globals) *cobra.Command {
	var leave bool
	cmd := &cobra.Command{
		Use: "move FROM TO", Short: "Move all that stands on one remote to another, and verify it before the switch", Args: cobra.ExactArgs(2), ValidArgsFunction: g.completeRemotes,
		Long: "Copy all that stands on one remote to another, sync with both, read all of the other one back, and only then sync with that alone.\n" +
			"Appends go on meanwhile; a daemon that is stopped or killed goes on where it was. Nothing on the first remote is touched.\n" +
			"To give it up before the switch: setlogger remote remove TO.",
		RunE: func(cmd *cobra.Command, args []string) error {
			quiet, c, err := g.clients(cmd)
			if err != nil {
				return err
			}
			if !leave {
				if _, err := quiet.MoveRemote(cmd.Context(), args[0], args[1]); err != nil {
					return err
				}
				if err := awaitMove(cmd, quiet, args[0]); err != nil {
					return err
				}
			}
			r, err := c.MoveRemote(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return g.sayMoved(cmd, r, args[1])
		},
	}
	cmd.Flags().BoolVar(&leave, "no-wait", false, "do not wait for it; the same command again tells how far it is")
	return cmd
}

// awaitMove tells how far a move is until it is over, or was given up.
func awaitMove(cmd *cobra.Command, c *api.Client, from string) error {
	told := ""
	return awaitStatus(cmd.Context(), c, func(s api.Status) (bool, error) {
		i := slices.IndexFunc(s.Remotes, func(r api.RemoteStatus) bool { return r.Name == from })
		switch {
		case i < 0:
			return true, fmt.Errorf("remote %s was removed meanwhile", from)
		case s.Remotes[i].Moving == nil && s.Remotes[i].MovedTo == "":
			return true, fmt.Errorf("the move was given up; %s is as it was", from)
		case s.Remotes[i].Moving == nil:
			return true, nil
		}
		if now := wayOf(s.Remotes[i].Moving); now != told {
			told = now
			fmt.Fprintln(cmd.ErrOrStderr(), now)
		}
		return false, nil
	})
}

func wayOf(m *api.Moving) string {
	return fmt.Sprintf("%s: %d of %d files%s", m.Phase, m.Files.Done, m.Files.Total, because(m.Error))
}

func (g *globals) sayMoved(cmd *cobra.Command, r *api.RemoteStatus, to string) error {
	if r.Moving != nil {
		_, err := fmt.Fprintf(g.say(cmd), "%s is on its way to %s: %s\n", r.Name, to, wayOf(r.Moving))
		return err
	}
	_, err := fmt.Fprintf(g.say(cmd), "All that was on %[1]s is on %[2]s and was read back; the buckets sync with %[2]s now. Nothing on %[1]s was touched.\n"+
		"On each other device: setlogger remote add %[2]s PATH, then setlogger remote move %[1]s %[2]s.\nWhat a device writes to %[1]s until then comes along with its move. "+
		"When all have moved: setlogger remote remove %[1]s.\n", r.Name, to)
	return err
}
