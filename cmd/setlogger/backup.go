package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func backupCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "backup FOLDER|REMOTE:PATH [BUCKET…]", Short: "Write all that this device holds of buckets to a place, and read it back", Args: cobra.MinimumNArgs(1),
		Long: "Write all that this device holds of buckets, all of them by default, to a place: their logs, so that any moment since can be restored.\n" +
			"The place is a folder, or any path that rclone accepts. A second backup to one place writes what is new. Writers go on meanwhile.\n" +
			"There are no keys and no tokens in it. Whoever can read it can read the buckets: lay rclone's crypt over the place where that matters.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			to, err := placeOf(args[0])
			if err != nil {
				return err
			}
			done, err := c.Backup(cmd.Context(), api.BackupRequest{To: to, Buckets: args[1:]})
			if err != nil {
				return err
			}
			return sayBackup(g.say(cmd), done)
		},
	}
}

// sayBackup prints what is in a backup. What is not is a finding.
func sayBackup(w io.Writer, done *api.Backup) error {
	var err error
	for _, b := range done.Buckets {
		if _, e := fmt.Fprintf(w, "%s: %d entries, %d files written\n", b.Name, b.Entries, b.Files); e != nil {
			return e
		}
		if b.Lacks != "" {
			fmt.Fprintf(w, "! not in it: %s\n", b.Lacks)
			err = errFindings
		}
	}
	_, e := fmt.Fprintf(w, "Backed up to %s as of %s; its %d files were read back and are whole.\n", done.To, done.At.UTC().Format(time.RFC3339Nano), done.Files)
	return errors.Join(err, e)
}

func restoreCommand(g *globals) *cobra.Command {
	var wanted api.RestoreRequest
	cmd := &cobra.Command{
		Use: "restore FOLDER|REMOTE:PATH|REMOTE [BUCKET…]", Short: "Take buckets in from a backup, or bring nodes back to what they were at a moment", Args: cobra.MinimumNArgs(1),
		Long: "Take buckets in from a backup, all of them by default. Instead of a backup, a remote of this device can be named.\n" +
			"A bucket that is not here comes to be, under a new writer. One that is here gets what it lacks; nothing of it is lost.\n" +
			"With --at, nodes are then brought back to what they were at that moment, by an entry for each that differs: these sync to all\n" +
			"devices like any edit. What other devices write meanwhile, or have written and not synced yet, merges with that as ever.\n" +
			"The schema stays as it is. --dry-run only counts. With --as, a new bucket gets the nodes, and the old one stays as it is.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			wanted.Buckets = args[1:]
			if wanted.From, err = sourceOf(args[0]); err != nil {
				return err
			}
			done, err := c.Restore(cmd.Context(), wanted)
			if err != nil {
				return err
			}
			for _, b := range done.Buckets {
				if e := sayRestored(g.say(cmd), wanted, b); e != nil {
					err = e
				}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&wanted.At, "at", "", "moment to go back to: a stamp of an entry, or a time such as 2026-01-31T12:00:00Z")
	f.StringVar(&wanted.As, "as", "", "name of a new bucket that gets the nodes")
	f.StringVar(&wanted.Remote, "remote", "", "remote that a new bucket syncs with (default: the only one)")
	f.BoolVar(&wanted.DryRun, "dry-run", false, "only tell what would be done")
	return cmd
}

// sourceOf is where to restore from: what may be a remote's name is left to the daemon, unless there is a folder of that name here.
func sourceOf(text string) (string, error) {
	if _, err := os.Stat(text); err != nil && !strings.ContainsAny(text, `:/\`) {
		return text, nil
	}
	return placeOf(text)
}

// sayRestored prints what was done to one bucket, or would be. What is not as it was then is a finding.
func sayRestored(w io.Writer, wanted api.RestoreRequest, b api.RestoredBucket) error {
	comes, gets := "comes", "gets"
	if wanted.DryRun {
		comes, gets = "would come", "would get"
	}
	switch {
	case b.New && wanted.As != "":
		fmt.Fprintf(w, "%s: %s %d nodes of %s\n", b.Into, gets, b.Created, b.Name)
	case b.New:
		fmt.Fprintf(w, "%s: %s back with %d entries\n", b.Into, comes, b.Entries)
	default:
		fmt.Fprintf(w, "%s: %s %d entries that it lacks here\n", b.Into, gets, b.Entries)
	}
	if wanted.At != "" && wanted.As == "" {
		fmt.Fprintf(w, "    as of %s, for all devices: %d nodes to be made again, %d to get the value they had, %d to go; %d are as they were\n",
			wanted.At, b.Created, b.Changed, b.Removed, b.Same)
	}
	if b.Before != "" {
		fmt.Fprintf(w, "    to take this back: the same with --at %s\n", b.Before)
	}
	for _, l := range b.Left {
		fmt.Fprintf(w, "! %s is not as it was then: %s\n", where(l), l.Reason)
	}
	if len(b.Left) > 0 {
		return errFindings
	}
	return nil
}
