package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func channelCommand(g *globals) *cobra.Command {
	return group("channel", "Set up the channel of a remote, or take it down", channelSetUpCommand(g), channelTearDownCommand(g))
}

func channelSetUpCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "setup NAME", Short: "Make its topic, if it is missing, and send a message through it", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeRemotes,
		Long: "Makes the topic that remote add --notify named, if it is missing, as far as the login may. Then sends messages through it to\nthis device, and says how long one takes (trip). Other devices pass them over. To do it again changes nothing.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			t, err := c.SetUpChannel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return g.showTest(cmd, t)
		},
	}
}

func channelTearDownCommand(g *globals) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "teardown NAME", Short: "Take a remote's channel away, and what this device has at its service", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeRemotes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			if err := c.TearDownChannel(cmd.Context(), args[0], all); err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Remote %s has no channel any more; it is polled. To have one again: setlogger remote add %s PATH --notify URL\n", args[0], args[0])
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also remove the topic, and what other devices left there: they go on with polls")
	return cmd
}
