package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func remoteCommand(g *globals) *cobra.Command {
	return group("remote", "Name the places to sync with", remoteAddCommand(g), remoteListCommand(g), remoteTestCommand(g), remoteKeyCommand(g), remoteBudgetCommand(g), remoteMoveCommand(g), channelCommand(g), remoteRemoveCommand(g))
}

func remoteAddCommand(g *globals) *cobra.Command {
	var noBrowser bool
	var k keyFlags
	var notify string
	cmd := &cobra.Command{
		Use: "add [NAME [REMOTE:PATH]]", Short: "Name a folder on any storage that rclone reaches, or on this disk", Args: cobra.MaximumNArgs(2), Long: setUpHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return g.setUp(cmd, api.Remote{Name: strings.Join(args, ""), Notify: notify}, &k, noBrowser)
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			path, err := placeOf(args[1])
			if err != nil {
				return err
			}
			r, err := g.addRemote(cmd, c, api.Remote{Name: args[0], Path: path, Notify: notify}, &k)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Remote %s is %s. Try it: setlogger remote test %s\n", r.Name, placeShown(*r), r.Name)
			return err
		},
	}
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "show the address of a sign-in, and open no browser")
	k.add(cmd)
	cmd.Flags().StringVar(&notify, "notify", "", "a Pub/Sub topic by which the devices of the share tell each other of changes at once, such as nats://host:4222/subject, amqp://host/exchange, gcppubsub://project/topic, awssnssqs://region/topic, kafka://host:9092/topic or azuresb://namespace.servicebus.windows.net/topic; add the remote again to change it, none takes it away")
	return cmd
}

// placeOf makes a local folder absolute: the daemon stands in another one.
func placeOf(path string) (string, error) {
	if strings.Contains(path, ":") || filepath.IsAbs(path) {
		return path, nil
	}
	return filepath.Abs(path)
}

func remoteListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the remotes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			all, err := c.Remotes(cmd.Context())
			if err != nil {
				return err
			}
			return tableOfRemotes(g.say(cmd), all)
		},
	}
}

func remoteTestCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Write, read, list and remove a small file there", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeRemotes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			t, err := c.TestRemote(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return g.showTest(cmd, t)
		},
	}
}

// showTest shows the steps of a test, one a line.
func (g *globals) showTest(cmd *cobra.Command, t *api.RemoteTest) error {
	for _, step := range t.Steps {
		fmt.Fprintln(g.say(cmd), stepLine(step))
	}
	if !t.OK {
		return errFindings
	}
	return nil
}

func stepLine(s api.TestStep) string {
	if s.OK {
		return fmt.Sprintf("ok      %-7s %s", s.Name, s.Took)
	}
	return fmt.Sprintf("FAILED  %-7s %s: %s: %s\n        %s", s.Name, s.Took, s.Problem, s.Error, s.Hint)
}

func remoteRemoveCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Forget a remote; nothing on it is touched", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeRemotes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			if err := c.RemoveRemote(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Forgot %s.\n", args[0])
			return err
		},
	}
}

func syncCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "sync [REMOTE]", Short: "Sync now and wait for it", Args: cobra.MaximumNArgs(1), ValidArgsFunction: g.completeRemotes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			all, err := c.Sync(cmd.Context(), name)
			if err != nil {
				return err
			}
			if err := tableOfRemotes(g.say(cmd), all); err != nil {
				return err
			}
			for _, r := range all {
				if r.Error != "" {
					fmt.Fprintf(g.say(cmd), "! %s: %s\n", r.Name, r.Error)
					err = errFindings
				}
			}
			return err
		},
	}
}

func tableOfRemotes(w io.Writer, all []api.RemoteStatus) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "No remote yet. Name one: setlogger remote add")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "REMOTE\tSTATE\tWAITING\tLAST SYNC\tREQUESTS AN HOUR\tPLACE")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", r.Name, stateOf(r), r.Pending, moment(r.LastSync), useOf(r), placeShown(r))
	}
	return t.Flush()
}

func moment(at *time.Time) string {
	if at == nil {
		return "not yet"
	}
	return at.Local().Format(time.DateTime)
}

// completeRemotes offers the names of remotes to the shell.
func (g *globals) completeRemotes(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 || g.settle(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	g.json = false
	c, err := g.client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, err := c.Remotes(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.Name
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
