package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func appCommand(g *globals) *cobra.Command {
	return group("app", "Let programs and web pages in, and out again", appListCommand(g), appAddCommand(g), appApproveCommand(g), appRevokeCommand(g))
}

func appListCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the apps that ask to be let in, with their codes, and those that were", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			all, err := c.Apps(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(g.say(cmd), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "CODE OR ID\tSTATE\tNAME\tFROM\tSCOPES\tLAST USED")
			for _, a := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", handleOf(a), a.State, a.Name, fromOf(a), strings.Join(a.Scopes, " "), usedOf(a))
			}
			return w.Flush()
		},
	}
}

// handleOf is by what the commands take an app: the code while it asks, then a short id.
func handleOf(a api.App) string {
	if a.State == api.AppPending {
		return a.Code
	}
	return a.ID[:8]
}

func fromOf(a api.App) string {
	if a.Origin == "" {
		return "a program"
	}
	return a.Origin
}

func usedOf(a api.App) string {
	if a.Used == nil {
		return "never"
	}
	return a.Used.Local().Format(time.DateTime)
}

func appAddCommand(g *globals) *cobra.Command {
	var request api.AppRequest
	cmd := &cobra.Command{
		Use: "add NAME --scope SCOPE…", Short: "Let a script or program in and print its token, which is not shown again", Args: cobra.ExactArgs(1),
		Example: "  setlogger app add backup --scope '*:r'\n  setlogger app add feeder --scope news:rw --scope 'photos/*:r'",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			request.Name = args[0]
			a, err := c.AddApp(cmd.Context(), request)
			if err != nil {
				return err
			}
			if !g.json {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s may use %s. Its token, to be sent as Authorization: Bearer TOKEN:\n", a.Name, strings.Join(a.Scopes, " "))
			}
			_, err = fmt.Fprintln(g.say(cmd), a.Token)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&request.Scopes, "scope", nil, "what it may do: BUCKET:r, BUCKET:rw, a pattern such as 'photos/*:rw', or admin; may be given again")
	cmd.Flags().StringVar(&request.Origin, "origin", "", "origin of the web page that it is, for example https://app.example")
	_ = cmd.MarkFlagRequired("scope") // the flag is there
	return cmd
}

func appApproveCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "approve CODE", Short: "Let in the app that shows this code", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withApp(cmd, args[0], func(c *api.Client, a api.App) error {
				approved, err := c.ApproveApp(cmd.Context(), a.ID)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(g.say(cmd), "%s, %s, may use %s.\n", approved.Name, fromOf(*approved), strings.Join(approved.Scopes, " "))
				return err
			}, func(a api.App) bool { return a.State == api.AppPending && plainCode(a.Code) == plainCode(args[0]) })
		},
	}
}

// plainCode is a code as a person may type it.
func plainCode(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
}

func appRevokeCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID|NAME|CODE", Short: "Let an app out again, at once; or deny one that asks", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withApp(cmd, args[0], func(c *api.Client, a api.App) error {
				if err := c.RemoveApp(cmd.Context(), a.ID); err != nil {
					return err
				}
				_, err := fmt.Fprintf(g.say(cmd), "%s is out.\n", a.Name)
				return err
			}, func(a api.App) bool {
				return a.Name == args[0] || a.Code != "" && plainCode(a.Code) == plainCode(args[0]) || len(args[0]) >= 8 && strings.HasPrefix(a.ID, args[0])
			})
		},
	}
}

// withApp does something with the one app that is meant.
func (g *globals) withApp(cmd *cobra.Command, word string, do func(c *api.Client, a api.App) error, is func(a api.App) bool) error {
	quiet := *g
	quiet.json = false
	c, err := quiet.client(cmd)
	if err != nil {
		return err
	}
	all, err := c.Apps(cmd.Context())
	if err != nil {
		return err
	}
	meant := slices.DeleteFunc(all, func(a api.App) bool { return !is(a) })
	switch len(meant) {
	case 0:
		return &api.Error{Detail: fmt.Sprintf("no app is %q", word), Hint: "setlogger app list shows the codes and ids; a request is over after ten minutes"}
	case 1:
	default:
		return &api.Error{Detail: fmt.Sprintf("%d apps are %q", len(meant), word), Hint: "name one by its id: setlogger app list"}
	}
	if c, err = g.client(cmd); err != nil {
		return err
	}
	return do(c, meant[0])
}
