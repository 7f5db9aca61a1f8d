package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func bucketCommand(g *globals) *cobra.Command {
	return group("bucket", "Make, join, list, describe, publish, mirror and leave buckets",
		bucketMakeCommand(g, false), bucketMakeCommand(g, true), bucketListCommand(g), bucketShowCommand(g), bucketSchemaCommand(g), bucketPublishCommand(g), bucketMirrorCommand(g), bucketLeaveCommand(g))
}

// bucketMakeCommand is create and join, which differ in who made the bucket.
func bucketMakeCommand(g *globals, join bool) *cobra.Command {
	wanted := api.Bucket{Join: join}
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a bucket; doing it again changes nothing", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			wanted.Name = args[0]
			made, err := c.CreateBucket(cmd.Context(), wanted)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Bucket %s is here, syncing with %s.\n", made.Name, listed(made.Remotes))
			return err
		},
	}
	cmd.Flags().StringVar(&wanted.Remote, "remote", "", "remote to sync with (default: the only one)")
	if join {
		cmd.Use, cmd.Short = "join NAME", "Take part in a bucket that another device made"
		cmd.Flags().BoolVar(&wanted.Merge, "merge", false, "accept that the bucket was made twice under one name, and merge both")
	}
	return cmd
}

func bucketListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the buckets of this device", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			all, err := c.Buckets(cmd.Context())
			if err != nil {
				return err
			}
			return tableOfBuckets(g.say(cmd), all)
		},
	}
}

func bucketShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Tell how a bucket stands", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			b, err := c.Bucket(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "name     %s\nwriter   %s\nnodes    %s\nentries  %d\nwaiting  %d\nsize     %s\nremotes  %s\n%s",
				b.Name, b.Writer, nodesOf(b.BucketStatus), b.Entries, b.Pending, size(b.Bytes), listed(b.Remotes), linesOfIndexes(b.Indexes))
			if err == nil && b.View != "" {
				_, err = fmt.Fprintf(g.say(cmd), "view     %s\n", b.View)
			}
			return err
		},
	}
}

// linesOfIndexes tells what each index is by, and how far it is.
func linesOfIndexes(all []api.IndexStatus) string {
	var lines strings.Builder
	for _, i := range all {
		fmt.Fprintf(&lines, "index    %s", strings.Join(i.Order, ", "))
		if !i.Ready {
			fmt.Fprintf(&lines, " (being made: %d of %d nodes)", i.Made.Done, i.Made.Total)
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}

func bucketLeaveCommand(g *globals) *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use: "leave NAME", Short: "Stop syncing a bucket; its file stays on this disk", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			if err := c.LeaveBucket(cmd.Context(), args[0], purge); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Left %s.\n", args[0])
			return err
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "also delete the local data; refused while something waits to be synced")
	return cmd
}

// nodesOf counts the nodes, and tells how many more are on their way.
func nodesOf(b api.BucketStatus) string {
	if b.Joining == nil || b.Joining.Total == 0 {
		return fmt.Sprint(b.Nodes)
	}
	return fmt.Sprintf("%d (joining: %d %%)", b.Nodes, 100*b.Joining.Done/b.Joining.Total)
}

func tableOfBuckets(w io.Writer, all []api.BucketStatus) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "No bucket yet. Make one: setlogger bucket create todos")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "BUCKET\tNODES\tENTRIES\tWAITING\tSIZE\tREMOTES")
	for _, b := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", b.Name, nodesOf(b), b.Entries, b.Pending, size(b.Bytes), listed(b.Remotes))
	}
	return t.Flush()
}

// completeBuckets offers the names of buckets to the shell.
func (g *globals) completeBuckets(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || g.settle(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	g.json = false
	c, err := g.client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, err := c.Buckets(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(all))
	for i, b := range all {
		names[i] = b.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func listed(names []string) string {
	if len(names) == 0 {
		return "no remote"
	}
	return strings.Join(names, ", ")
}

// size is a number of bytes for people.
func size(bytes int64) string {
	value, unit := float64(bytes), 0
	units := [...]string{"B", "kB", "MB", "GB", "TB"}
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	if unit == 0 || value >= 10 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
