package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/daemon"
)

func doctorCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Find what is wrong, and say how to mend it; works without a daemon too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.diagnose(cmd)
			if err != nil {
				return err
			}
			for _, e := range d.Checks {
				printExamined(g.say(cmd), e)
			}
			if !d.OK {
				return errFindings
			}
			_, err = fmt.Fprintln(g.say(cmd), "All is well. setlogger verify checks every hash and signature.")
			return err
		},
	}
}

// diagnose asks the daemon, or where none answers looks at what can be seen without it.
func (g *globals) diagnose(cmd *cobra.Command) (*api.Diagnosis, error) {
	var d *api.Diagnosis
	c, err := g.client(cmd)
	if err == nil {
		d, err = c.Doctor(cmd.Context())
	}
	switch {
	case err == nil:
		return g.compareVersions(d), nil
	case !errors.Is(err, api.ErrNoDaemon):
		return nil, err
	}
	d = &api.Diagnosis{Checks: append([]api.Examined{g.absent(err)}, daemon.ExamineFolder(g.data)...)}
	if g.json {
		return d, json.NewEncoder(cmd.OutOrStdout()).Encode(d)
	}
	return d, nil
}

// absent says why no daemon may answer, and what to do.
func (g *globals) absent(err error) api.Examined {
	e := api.Examined{
		Name: "daemon", Subject: g.data, Detail: strings.TrimPrefix(err.Error(), "api: "), Cause: "no daemon runs on this data folder",
		Effect: "Apps cannot read or write, and nothing syncs. All that was acknowledged is on the disk.",
		Hint:   "setlogger service start; or in a terminal: setlogger serve",
	}
	if daemon.InUse(g.data) {
		e.Cause = "a daemon holds this data folder and does not answer there: it hangs, or listens elsewhere"
		e.Hint = "setlogger service restart; or name its address with --listen"
	}
	return e
}

// compareVersions finds a daemon that was not started again after an update. What --json prints is the daemon's answer alone.
func (g *globals) compareVersions(d *api.Diagnosis) *api.Diagnosis {
	if g.json || d.Version == version() {
		return d
	}
	d.OK = false
	d.Checks = append(d.Checks, api.Examined{
		Name: "version", Detail: fmt.Sprintf("this program is %s, the daemon %s", version(), d.Version),
		Cause: "the daemon was started before an update, or another program than this one", Effect: "Commands may ask for what the daemon does not know.",
		Hint: "setlogger service restart",
	})
	return d
}

func printExamined(w io.Writer, e api.Examined) {
	mark := "ok    "
	if !e.OK {
		mark = "FAILED"
	}
	about := e.Name
	if e.Subject != "" {
		about += " " + e.Subject
	}
	fmt.Fprintf(w, "%s  %s: %s\n", mark, about, e.Detail)
	for _, more := range []struct{ name, text string }{{"Cause", e.Cause}, {"Effect", e.Effect}, {"Mend", e.Hint}} {
		if more.text != "" {
			fmt.Fprintf(w, "        %s: %s\n", more.name, more.text)
		}
	}
}
