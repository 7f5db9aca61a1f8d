package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/setlogger/setlogger/api"
)

func importCommand(g *globals) *cobra.Command {
	var idField string
	var progress bool
	cmd := &cobra.Command{
		Use: "import BUCKET FILE.ndjson|.json|.csv|-", Short: "Create or update a node for each record of a file; nothing is removed",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			in, err := openInput(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			defer func() { _ = in.Close() }()
			bar := newBar(cmd, in.size, "importing", progress)
			start := time.Now()
			a, err := importFrom(cmd, c, args[0], args[1], io.TeeReader(in, bar), idField)
			_ = bar.Close() // it only draws
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.say(cmd), "Imported %d records in %s.\n", a.Committed, time.Since(start).Round(time.Millisecond))
			return err
		},
	}
	cmd.Flags().StringVar(&idField, "id", "id", "member that holds the node's id; it is taken out of the value")
	cmd.Flags().BoolVar(&progress, "progress", false, "show progress even where stderr is no terminal")
	return cmd
}

// importFrom converts and sends at once. Where the file goes wrong the stream just ends, so that what stands before it is
// imported and known to be.
func importFrom(cmd *cobra.Command, c *api.Client, bucket, name string, in io.Reader, idField string) (*api.AppendedMany, error) {
	lines, pipe := io.Pipe()
	converted := make(chan error, 1)
	go func() {
		err := convert(name, in, idField, pipe)
		_ = pipe.Close() // never fails
		converted <- err
	}()
	a, err := c.AppendMany(cmd.Context(), bucket, lines, nil)
	_ = lines.Close() // never fails; it ends the conversion of what the daemon did not want
	bad := <-converted
	var refused *api.Error
	switch {
	case errors.As(err, &refused) && refused.Line != nil:
		return nil, fmt.Errorf("record %d of %s: %w; the %d before it are imported", *refused.Line, name, err, *refused.Committed)
	case err != nil:
		return nil, err
	case bad != nil:
		return nil, fmt.Errorf("%w; the %d before it are imported", bad, a.Committed)
	}
	return a, nil
}

// input is a file to import.
type input struct {
	io.ReadCloser
	size int64 // -1: unknown
}

func openInput(stdin io.Reader, name string) (*input, error) {
	if name == "-" {
		return &input{io.NopCloser(stdin), -1}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &input{file, info.Size()}, nil
}

func exportCommand(g *globals) *cobra.Command {
	var progress bool
	var name string
	cmd := &cobra.Command{
		Use: "export BUCKET", Short: "Print every node as a line of canonical JSON with its id, in the order of ids",
		Args: cobra.ExactArgs(1), ValidArgsFunction: g.completeBuckets,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.client(cmd)
			if err != nil {
				return err
			}
			lines, err := c.Export(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer func() { _ = lines.Close() }()
			bar := newBar(cmd, -1, "exporting", progress)
			defer func() { _ = bar.Close() }()
			if name != "" {
				return writeFile(name, io.TeeReader(lines, bar))
			}
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 256<<10)
			_, err = io.Copy(out, io.TeeReader(lines, bar))
			return errors.Join(err, out.Flush())
		},
	}
	cmd.Flags().BoolVar(&progress, "progress", false, "show progress even where stderr is no terminal")
	cmd.Flags().StringVarP(&name, "output", "o", "", "file to write, whole or not at all")
	return cmd
}

// writeFile puts a file in place once all of it is on the disk.
func writeFile(name string, in io.Reader) error {
	temporary := name + ".part"
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, in)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, name)
}

// newBar is a progress bar on stderr, or a writer that draws nothing where nobody would see it.
func newBar(cmd *cobra.Command, size int64, what string, always bool) io.WriteCloser {
	if !always && !term.IsTerminal(int(os.Stderr.Fd())) {
		return silent{}
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(cmd.ErrOrStderr()) }))
}

// silent is a bar that is not drawn.
type silent struct{}

func (silent) Write(p []byte) (int, error) { return len(p), nil }
func (silent) Close() error                { return nil }
