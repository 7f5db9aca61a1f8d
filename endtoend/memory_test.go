package endtoend

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/bench"
)

// memorySample is a process's anonymous resident memory at a moment.
type memorySample struct {
	at   time.Duration // since the first
	kB   int
	done int64 // what the process had done by then
}

// memory is a process's samples in the order they were taken.
type memory []memorySample

// watchMemory takes samples until the context ends; done counts what the process does.
func (d *device) watchMemory(ctx context.Context, pause time.Duration, done func() int64) (memory, error) {
	var m memory
	begin := time.Now()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		kB, err := rssAnon(d.cmd.Process.Pid)
		if err != nil {
			return m, err
		}
		m = append(m, memorySample{time.Since(begin), kB, done()})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return m, nil
		}
	}
}

// rssAnon reads the anonymous resident memory of a process, in kB.
func rssAnon(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	var kB int
	_, err = fmt.Sscan(rest, &kB)
	return kB, err
}

// around is the median of the samples from one part of the run to another, in kB: a collector's saw has no say in it.
func (m memory) around(from, to float64) int {
	first := min(int(from*float64(len(m))), len(m)-1)
	var kBs []int
	for _, s := range m[first:max(first+1, int(to*float64(len(m))))] {
		kBs = append(kBs, s.kB)
	}
	slices.Sort(kBs)
	return kBs[len(kBs)/2]
}

// csv is the samples as lines.
func (m memory) csv() []byte {
	lines := []byte("seconds,kB,done\n")
	for _, s := range m {
		lines = fmt.Appendf(lines, "%.1f,%d,%d\n", s.at.Seconds(), s.kB, s.done)
	}
	return lines
}

// keep writes the samples, and their plot, into the folder that SETLOGGER_PLOTS names.
func (m memory) keep(t *testing.T, name, title string) {
	t.Helper()
	folder := os.Getenv("SETLOGGER_PLOTS")
	if folder == "" {
		return
	}
	for ending, data := range map[string][]byte{".csv": m.csv(), ".svg": m.plot(title).SVG()} {
		if err := os.WriteFile(filepath.Join(folder, name+ending), data, 0o644); err != nil {
			t.Error(err)
		}
	}
}

func (m memory) plot(title string) bench.Plot {
	line := bench.Line{Name: "RssAnon"}
	for _, s := range m {
		line.X, line.Y = append(line.X, s.at.Minutes()), append(line.Y, float64(s.kB)/1024)
	}
	return bench.Plot{Title: title, X: "minutes", Y: "MiB", Lines: []bench.Line{line}}
}

// warmUp and last are the parts of a run that are compared; growth is by how much the second may be larger.
const (
	warmUp = 0.2
	growth = 1.5
)

// judge compares the memory at the end with that after a warm-up.
func (m memory) judge(t *testing.T) {
	t.Helper()
	first, last := m.around(warmUp, 2*warmUp), m.around(1-warmUp, 1)
	t.Logf("RssAnon at 5 %%, 50 %% and 100 %% of the run: %d, %d and %d kB; median of the second fifth %d, of the last %d", m.around(0.04, 0.06), m.around(0.49, 0.51), m.around(0.98, 1), first, last)
	if float64(last) > growth*float64(first) {
		t.Errorf("the memory grew from %d to %d kB", first, last)
	}
}
