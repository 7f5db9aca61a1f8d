package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func pauseCommand(g *globals) *cobra.Command {
	return g.pausing("pause [REMOTE]", "Ask nothing more of a remote, or of all, until resume; local work goes on", true)
}

func resumeCommand(g *globals) *cobra.Command {
	return g.pausing("resume [REMOTE]", "Go on with a remote that was paused, or with all", false)
}

func (g *globals) pausing(use, short string, paused bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1), ValidArgsFunction: g.completeRemotes,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			var all []api.RemoteStatus
			if len(args) == 0 {
				all, err = c.PauseRemotes(cmd.Context(), paused)
			} else {
				var one *api.RemoteStatus
				one, err = c.ChangeRemote(cmd.Context(), args[0], api.RemoteChange{Paused: &paused})
				all = []api.RemoteStatus{*one}
			}
			if err != nil {
				return err
			}
			return tableOfRemotes(g.say(cmd), all)
		},
	}
}

func remoteBudgetCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "budget NAME REQUESTS", Short: "Keep polls within so many requests an hour, 0 for any number", Args: cobra.ExactArgs(2), ValidArgsFunction: g.completeRemotes,
		Long: "Keep polls within so many requests an hour, 0 for any number. As the use nears the budget, polls slow down, and once it is reached they wait: what others write comes later. What is written here is sent as ever.",
		RunE: func(cmd *cobra.Command, args []string) error {
			budget, err := strconv.Atoi(args[1])
			if err != nil {
				return fmt.Errorf("%s is no number of requests", args[1])
			}
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			r, err := c.ChangeRemote(cmd.Context(), args[0], api.RemoteChange{Budget: &budget})
			if err != nil {
				return err
			}
			return tableOfRemotes(g.say(cmd), []api.RemoteStatus{*r})
		},
	}
}

// stateOf is a remote's state in a word.
func stateOf(r api.RemoteStatus) string {
	if r.Paused {
		return "paused"
	}
	return string(r.State)
}

// useOf says what a remote was asked in the last hour, of what it may be, and what that costs.
func useOf(r api.RemoteStatus) string {
	text := strconv.Itoa(r.RequestsPerHour)
	if r.Budget > 0 {
		text += " of " + strconv.Itoa(r.Budget)
	}
	if r.EstimatedMonth != nil {
		text += fmt.Sprintf(" ($%.2f a month)", *r.EstimatedMonth)
	}
	return text
}
