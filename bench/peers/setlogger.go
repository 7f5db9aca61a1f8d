//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"syscall"
	"time"

	"github.com/setlogger/setlogger/bench"
	"github.com/setlogger/setlogger/setlog"
)

const loads = 9 // of which the best counts

var errText = errors.New("peers: the text differs from the recorded end")

// measure takes the figures of SetLogger once.
func measure(t *bench.Trace, f figures) error {
	w, err := edit(t, f)
	if err != nil {
		return err
	}
	lines := make([][]byte, len(w.Entries))
	for i, e := range w.Entries {
		lines[i] = e.Line
	}
	line := w.State[bench.ID].AppendDelta(nil, bench.ID)
	f.note("state-raw", float64(len(line)))
	file, err := deflate(line)
	if err != nil {
		return err
	}
	f.note("state", float64(len(file)))
	writer := w.Entries[0].Writer
	w = nil
	if err := fold(t, writer, lines, f); err != nil {
		return err
	}
	return load(t, file, f)
}

// edit sends every edit as a caller would.
func edit(t *bench.Trace, f figures) (*bench.Writer, error) {
	bodies := make([][]byte, len(t.Edits))
	for i, e := range t.Edits {
		bodies[i] = e.Body()
	}
	w := bench.NewWriter(0)
	if err := w.Create(); err != nil {
		return nil, err
	}
	requests := make([][]setlog.Action, len(bodies))
	parse, parseCPU, err := timed(func() (err error) {
		for i, body := range bodies {
			if requests[i], err = setlog.ParseActions(body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	compose, composeCPU, err := timed(func() error {
		for _, actions := range requests {
			if err := w.Append(actions); err != nil {
				return err
			}
		}
		return nil
	})
	f.note("parse", parse)
	f.note("compose", compose)
	f.note("edit", parse+compose)
	f.note("edit-cpu", parseCPU+composeCPU)
	return w, errors.Join(err, check(w.State[bench.ID], t))
}

// fold takes all entries into an empty state: from their lines, and once they are read.
func fold(t *bench.Trace, writer setlog.Writer, lines [][]byte, f figures) error {
	whole, cpu, err := timed(func() error {
		state := bench.State{}
		for i, line := range lines {
			e, err := setlog.ParseEntry(writer, uint64(i+1), line)
			if err == nil {
				err = state.Fold(e)
			}
			if err != nil {
				return err
			}
		}
		return check(state[bench.ID], t)
	})
	if err != nil {
		return err
	}
	f.note("read+fold", whole)
	f.note("read+fold-cpu", cpu)
	entries := make([]setlog.Entry, len(lines))
	for i, line := range lines {
		if entries[i], err = setlog.ParseEntry(writer, uint64(i+1), line); err != nil {
			return err
		}
	}
	alone, cpu, err := timed(func() error {
		state := bench.State{}
		return errors.Join(foldEach(state, entries), check(state[bench.ID], t))
	})
	f.note("fold", alone)
	f.note("fold-cpu", cpu)
	return err
}

// load reads the state from its file.
func load(t *bench.Trace, file []byte, f figures) error {
	before := heap()
	n, first, err := read(file, inflate)
	if err != nil {
		return err
	}
	f.note("heap", heap()-before)
	f.note("load-first", first)
	if err := check(n, t); err != nil {
		return err
	}
	line, err := inflate(file)
	if err != nil {
		return err
	}
	for range loads {
		_, whole, err := read(file, inflate)
		if err != nil {
			return err
		}
		_, alone, err := read(line, asIs)
		if err != nil {
			return err
		}
		f.note("load", whole)
		f.note("load-raw", alone)
	}
	return nil
}

func asIs(line []byte) ([]byte, error) { return line, nil }

// read is what a reader of a chunk does, until it has the node's value.
func read(file []byte, open func([]byte) ([]byte, error)) (n *setlog.Node, ms float64, err error) {
	ms, _, err = timed(func() error {
		line, err := open(file)
		if err != nil {
			return err
		}
		if _, n, err = setlog.ReadDelta(line); err != nil {
			return err
		}
		if len(n.Value()) == 0 {
			return errText
		}
		return nil
	})
	return n, ms, err
}

func check(n *setlog.Node, t *bench.Trace) error {
	text, err := bench.Text(n)
	if err == nil && text != t.End {
		err = errText
	}
	return err
}

func deflate(data []byte) ([]byte, error) {
	var file bytes.Buffer
	w, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

func inflate(file []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// heap is the bytes in use after a collection.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what pools let go at the first is free at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// timed answers the milliseconds that work takes: on the clock, and of all threads of the process.
func timed(work func() error) (ms, cpu float64, err error) {
	runtime.GC()
	used, start := cpuTime(), time.Now()
	err = work()
	return float64(time.Since(start)) / 1e6, float64(cpuTime()-used) / 1e6, err
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
