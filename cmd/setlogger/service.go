package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/installer"
)

// serviceCommand makes the daemon a service of the operating system.
func serviceCommand(g *globals) *cobra.Command {
	var user bool
	verb := func(name, short, done string, act func(installer.Service) error) *cobra.Command {
		return &cobra.Command{
			Use: name, Short: short, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := act(g.service(user)); err != nil {
					return err
				}
				_, err := fmt.Fprintln(g.say(cmd), done)
				return err
			},
		}
	}
	status := &cobra.Command{
		Use: "status", Short: "Tell how the service stands", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.serviceStatus(cmd, user) },
	}
	service := group("service", "Run the daemon in the background, from boot or from login",
		verb("install", "Make the daemon a service, with the --data and --listen given here",
			"Installed. It starts at the next boot (--user: login); now: setlogger service start", installer.Service.Install),
		verb("uninstall", "Stop the service and remove it; data stays", "Uninstalled. Data was left alone.", installer.Service.Uninstall),
		verb("start", "Start the service", "Started.", installer.Service.Start),
		verb("stop", "Stop the service", "Stopped.", installer.Service.Stop),
		verb("restart", "Stop the service and start it", "Restarted.", installer.Service.Restart),
		status)
	service.PersistentFlags().BoolVar(&user, "user", false, "a service of this user, from login, instead of the machine's, from boot")
	return service
}

// service is the service that the flags describe. Its data folder is not that of a daemon started by hand, unless named.
func (g *globals) service(user bool) installer.Service {
	s := installer.Service{User: user, Listen: g.listen}
	if g.dataGiven || os.Getenv("SETLOGGER_DATA") != "" {
		s.Data = g.data
	}
	return s
}

func (g *globals) serviceStatus(cmd *cobra.Command, user bool) error {
	status, err := g.service(user).Status()
	if err != nil {
		return err
	}
	if g.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(status)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", status.State, status.Manager)
	if err == nil && status.Definition != "" {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), status.Definition)
	}
	return err
}
