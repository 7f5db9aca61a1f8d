package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errFindings: the command did its work and found something amiss, which it has printed.
var errFindings = errors.New("setlogger: there are findings")

// globals are the flags that every command takes, before or after its name.
type globals struct {
	data   string // data folder of the daemon; default api.DefaultData
	listen string // host:port of the daemon; serve listens there, all others call it
	json   bool   // print the HTTP answer as it came, and nothing else, on stdout
	token  string // default: the one in the data folder

	reach func(ctx context.Context, log *slog.Logger) (*remotes, error) // how serve starts what reaches remotes

	dataGiven, listenGiven bool // on the command line, rather than by the environment
}

// run carries out one command line and answers its exit code.
func run(ctx context.Context, args []string, reach func(context.Context, *slog.Logger) (*remotes, error)) int {
	g := &globals{
		data:   os.Getenv("SETLOGGER_DATA"),
		listen: os.Getenv("SETLOGGER_LISTEN"),
		token:  os.Getenv("SETLOGGER_TOKEN"),
		reach:  reach,
	}
	root := newRoot(g)
	root.SetArgs(args)
	started := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		started = true
		return g.settle(cmd)
	}
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFailed
	}
	fmt.Fprintln(os.Stderr, "setlogger: "+words(err))
	if !started {
		fmt.Fprintln(os.Stderr, "Try: setlogger --help")
		return exitUsage
	}
	return exitFailed
}

func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:           "setlogger",
		Short:         "Buckets of records that live on your devices and sync through any storage you have",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&g.data, "data", g.data, "data folder of the daemon (SETLOGGER_DATA)")
	flags.StringVar(&g.listen, "listen", g.listen, "host:port of the daemon (SETLOGGER_LISTEN)")
	flags.BoolVar(&g.json, "json", false, "print the HTTP answer as it came")
	root.AddCommand(
		serveCommand(g), statusCommand(g), doctorCommand(g), bucketCommand(g), dispatchCommand(g), getCommand(g), listCommand(g), logCommand(g), watchCommand(g), undoCommand(g), historyCommand(g),
		importCommand(g), exportCommand(g), remoteCommand(g), appCommand(g), syncCommand(g), pauseCommand(g), resumeCommand(g), openCommand(g), verifyCommand(g), compactCommand(g), serviceCommand(g), versionCommand(g))
	return root
}

// settle fills in the defaults once the flags are read.
func (g *globals) settle(cmd *cobra.Command) error {
	g.dataGiven = cmd.Flags().Changed("data")
	g.listenGiven = cmd.Flags().Changed("listen")
	if g.data != "" {
		return nil
	}
	var err error
	g.data, err = api.DefaultData()
	return err
}

// client makes the client of the daemon that the flags name. A folder given on the command line outweighs an address
// from the environment: it is the other daemon that is meant.
func (g *globals) client(cmd *cobra.Command) (*api.Client, error) {
	o := api.Options{Data: g.data, Address: g.listen, Token: g.token}
	if g.dataGiven && !g.listenGiven {
		o.Address, o.Token = "", ""
	}
	if g.json {
		o.Answers = cmd.OutOrStdout()
	}
	return api.NewClient(o)
}

// say is where a command prints for people: nowhere when --json has stdout.
func (g *globals) say(cmd *cobra.Command) io.Writer {
	if g.json {
		return io.Discard
	}
	return cmd.OutOrStdout()
}

// words are an error as a person reads it: what went wrong, then a line with what to do.
func words(err error) string {
	var e *api.Error
	if errors.As(err, &e) && e.Hint != "" {
		return strings.Replace(err.Error(), e.Error(), e.Detail, 1) + "\nHint: " + e.Hint
	}
	if hint := hintOf(err); hint != "" {
		return err.Error() + "\nHint: " + hint
	}
	return strings.TrimPrefix(err.Error(), "api: ")
}

// group is a command that only holds others.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs one of its commands; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	g.AddCommand(children...)
	return g
}

func versionCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if g.json {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "{\"version\":%q}\n", version())
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "setlogger "+version())
			return err
		},
	}
}

// version is the module's, or the commit's where it was built from a working tree.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return strings.Trim(info.Main.Version, "()")
}
