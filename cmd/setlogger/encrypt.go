package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote/encrypted"
)

// keyVariable of the environment holds the recovery key to join with.
const keyVariable = "SETLOGGER_KEY"

// tries is how often a person may type a key, or a part of it.
const tries = 3

// keyFlags say how a remote is encrypted: not at all, by a new key, or by that of the share that is there.
type keyFlags struct {
	encrypt, join bool
	out           string // file for the new key
	file          string // file with the key to join with
	written       bool   // out was made, and has the new key
}

func (k *keyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&k.encrypt, "encrypt", false, "begin a share that only devices with its recovery key can read; shows the key, and asks for its end")
	flags.StringVar(&k.out, "key-out", "", "with --encrypt, for scripts: write the key into this new `file` instead")
	flags.BoolVar(&k.join, "join", false, "join an encrypted share: asks for its recovery key ("+keyVariable+")")
	flags.StringVar(&k.file, "key-file", "", "join an encrypted share with the recovery key in this `file`; - is standard input")
	cmd.MarkFlagsMutuallyExclusive("encrypt", "join")
	cmd.MarkFlagsMutuallyExclusive("encrypt", "key-file")
}

// addRemote adds a remote with the key that the flags ask for.
func (g *globals) addRemote(cmd *cobra.Command, c *api.Client, r api.Remote, k *keyFlags) (*api.RemoteStatus, error) {
	if err := g.chooseKey(cmd, &r, k); err != nil {
		return nil, err
	}
	made, err := c.AddRemote(cmd.Context(), r)
	if refused := (*api.Error)(nil); errors.As(err, &refused) && refused.Status < http.StatusInternalServerError {
		err = errors.Join(err, k.discard())
	}
	return made, err
}

// chooseKey gives a remote the key that the flags ask for, if they do.
func (g *globals) chooseKey(cmd *cobra.Command, r *api.Remote, k *keyFlags) (err error) {
	switch {
	case k.encrypt:
		r.Key, err = g.newKey(cmd, *r, k.out)
		k.written = err == nil && k.out != ""
	case k.out != "":
		err = errors.New("--key-out goes with --encrypt")
	case k.join, k.file != "":
		r.Key, err = k.read(cmd, *r)
	}
	r.Encrypt = r.Key != ""
	return err
}

// discard removes the file of a new key that is the key of nothing; one that was there before stays.
func (k *keyFlags) discard() error {
	if !k.written {
		return nil
	}
	return os.Remove(k.out)
}

// newKey makes a key, and makes sure that a person or a file has it before anything is encrypted by it.
func (g *globals) newKey(cmd *cobra.Command, r api.Remote, out string) (string, error) {
	if out == "" && !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("no terminal to show the recovery key on\nHint: write it into a new file, with --key-out FILE")
	}
	silent := *g
	silent.json = false // the key is no answer to print
	c, err := silent.client(cmd)
	if err != nil {
		return "", err
	}
	key, err := c.MakeKey(cmd.Context(), r.Name, r.Path)
	if err != nil {
		return "", err
	}
	if out != "" {
		return key, writeNew(out, key+"\n")
	}
	return key, confirm(cmd.Context(), os.Stdin, cmd.ErrOrStderr(), r.Name, key)
}

// confirm shows a new key, and asks for its last group until it comes.
func confirm(ctx context.Context, in io.Reader, out io.Writer, name, text string) error {
	key, err := encrypted.ParseKey(text)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Recovery key of %s:\n\n    %s\n\n"+
		"Every device that joins needs it, and if you lose it with your devices, nobody can read the share: write it down now, and keep it elsewhere.\n", name, text)
	lines := bufio.NewScanner(in)
	for range tries {
		fmt.Fprint(out, "Its last group, to show that you have it: ")
		if !lines.Scan() || ctx.Err() != nil {
			break
		}
		if key.EndsWith(lines.Text()) {
			return nil
		}
		fmt.Fprintln(out, "That is another.")
	}
	return errors.Join(lines.Err(), errors.New("nothing was added: the key was not confirmed, and is good for nothing now"))
}

// writeNew writes a file that only its owner reads, and which must not be there yet.
func writeNew(name, text string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and may hold a key\nHint: name a new file", name)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// read answers the key to join with: of the file, of the environment, or of the person.
func (k *keyFlags) read(cmd *cobra.Command, r api.Remote) (string, error) {
	if k.file != "" {
		return readKeyFile(k.file)
	}
	if key := os.Getenv(keyVariable); key != "" {
		return parsedText(key)
	}
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return "", errors.New("no terminal to ask for the recovery key on\nHint: give it by --key-file FILE, or by " + keyVariable)
	}
	var problem error
	for range tries {
		fmt.Fprintf(cmd.ErrOrStderr(), "Recovery key of the share that %s joins (it is not shown): ", r.Name)
		line, err := term.ReadPassword(terminal)
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", err
		}
		var key string
		if key, problem = parsedText(string(line)); problem == nil {
			return key, nil
		}
		fmt.Fprintln(cmd.ErrOrStderr(), words(problem))
	}
	return "", problem
}

func readKeyFile(name string) (string, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 1<<10))
	if err != nil {
		return "", err
	}
	return parsedText(string(text))
}

// parsedText answers a key in its usual form, so that a typing error is told before the daemon is asked.
func parsedText(text string) (string, error) {
	key, err := encrypted.ParseKey(text)
	if err != nil {
		return "", fmt.Errorf("%s\nHint: it has six groups of six letters and digits, and neither I, L, O nor U", strings.TrimPrefix(err.Error(), "encrypted: "))
	}
	return key.Text(), nil
}

// placeShown is a remote's path, and whether it is encrypted.
func placeShown(r api.RemoteStatus) string {
	if r.Encrypted {
		return r.Path + " (encrypted)"
	}
	return r.Path
}

func remoteKeyCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "key NAME", Short: "Print the recovery key of an encrypted remote", Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeRemotes,
		Long: "Print the recovery key of an encrypted remote. This device has it as long as the remote is not removed; whoever can read the data folder has it too.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			key, err := c.RemoteKey(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(g.say(cmd), key)
			return err
		},
	}
}
