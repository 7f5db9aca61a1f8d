package faulty_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest"
)

func TestConformanceWithoutFaults(t *testing.T) {
	remotetest.Run(t, func(*testing.T) remote.Storage { return faulty.New(memory.New(), faulty.Options{Seed: 7}) })
}

// scripted makes a Storage with the files a, b and c in log/ and one fault to come.
func scripted(t *testing.T, o faulty.Once) *faulty.Storage {
	t.Helper()
	under := memory.New()
	for _, name := range []string{"log/a", "log/b", "log/c"} {
		if err := under.Write(t.Context(), name, []byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	s := faulty.New(under, faulty.Options{})
	s.Script(o)
	return s
}

func wantCount(t *testing.T, s *faulty.Storage, f faulty.Fault, want int) {
	t.Helper()
	if got := s.Counts()[f]; got != want {
		t.Errorf("%v counted %d times, want %d", f, got, want)
	}
}

func TestListFaults(t *testing.T) {
	all := []string{"log/a", "log/b", "log/c"}
	for _, c := range []struct {
		once faulty.Once
		good func(names []string) bool
		err  error
	}{
		{faulty.Once{Fault: faulty.Omit, Omit: []string{"log/b"}}, func(n []string) bool { return slices.Equal(n, []string{"log/a", "log/c"}) }, nil},
		{faulty.Once{Fault: faulty.Empty}, func(n []string) bool { return len(n) == 0 }, nil},
		{faulty.Once{Fault: faulty.Twice}, func(n []string) bool { return len(n) == 4 && len(slices.Compact(slices.Sorted(slices.Values(n)))) == 3 }, nil},
		{faulty.Once{Fault: faulty.Upper}, func(n []string) bool {
			return len(n) == 3 && slices.ContainsFunc(n, func(s string) bool { return strings.HasPrefix(s, "LOG/") })
		}, nil},
		{faulty.Once{Fault: faulty.Stray}, func(n []string) bool { return len(n) == 4 && remote.CheckName(n[3]) != nil }, nil},
		{faulty.Once{Fault: faulty.Broken}, func(n []string) bool { return len(n) < 3 }, remote.ErrUnreachable},
	} {
		t.Run(c.once.Fault.String(), func(t *testing.T) {
			s := scripted(t, c.once)
			names, err := listing(t.Context(), s)
			if !c.good(names) || !errors.Is(err, c.err) {
				t.Errorf("listed %q, %v", names, err)
			}
			wantCount(t, s, c.once.Fault, 1)
			if names, err := listing(t.Context(), s); err != nil || !slices.Equal(names, all) {
				t.Errorf("after the fault: %q, %v", names, err)
			}
		})
	}
}

func listing(ctx context.Context, s remote.Storage) ([]string, error) {
	var names []string
	for o, err := range s.List(ctx, "log") {
		if err != nil {
			return names, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}

func TestReadFaults(t *testing.T) {
	for _, c := range []struct {
		once faulty.Once
		good func(data []byte) bool
	}{
		{faulty.Once{Fault: faulty.HTML}, func(b []byte) bool { return bytes.Contains(b, []byte("<html>")) }},
		{faulty.Once{Fault: faulty.Zeros}, func(b []byte) bool { return bytes.Equal(b, make([]byte, 10)) }},
		{faulty.Once{Fault: faulty.Short, At: 4, Name: "log/b"}, func(b []byte) bool { return string(b) == "0123" }},
	} {
		t.Run(c.once.Fault.String(), func(t *testing.T) {
			s := scripted(t, c.once)
			if data, err := s.Read(t.Context(), "log/b"); err != nil || !c.good(data) {
				t.Errorf("read %q, %v", data, err)
			}
			wantCount(t, s, c.once.Fault, 1)
			if data, err := s.Read(t.Context(), "log/b"); err != nil || string(data) != "0123456789" {
				t.Errorf("after the fault: %q, %v", data, err)
			}
		})
	}
}

func TestWriteFaults(t *testing.T) {
	for _, c := range []struct {
		once   faulty.Once
		stored string
		err    error
	}{
		{faulty.Once{Fault: faulty.LostAnswer}, "abcdef", remote.ErrUnreachable},
		{faulty.Once{Fault: faulty.KeptBody}, "abcdef", remote.ErrDenied},
		{faulty.Once{Fault: faulty.BrokenUpload, At: 3}, "abc", remote.ErrUnreachable},
		{faulty.Once{Fault: faulty.Cut, At: 0}, "", nil},
		{faulty.Once{Fault: faulty.Cut, At: 5}, "abcde", nil},
		{faulty.Once{Fault: faulty.WrittenZeros}, "\x00\x00\x00\x00\x00\x00", nil},
	} {
		t.Run(fmt.Sprint(c.once.Fault, c.once.At), func(t *testing.T) {
			s := scripted(t, c.once)
			if err := s.Write(t.Context(), "log/d", []byte("abcdef")); !errors.Is(err, c.err) {
				t.Errorf("Write = %v, want %v", err, c.err)
			}
			wantCount(t, s, c.once.Fault, 1)
			if data, err := s.Read(t.Context(), "log/d"); err != nil || string(data) != c.stored {
				t.Errorf("stored %q, %v", data, err)
			}
			if err := s.Write(t.Context(), "log/d", []byte("abcdef")); err != nil {
				t.Errorf("again: %v", err)
			}
			if data, err := s.Read(t.Context(), "log/d"); err != nil || string(data) != "abcdef" {
				t.Errorf("stored again %q, %v", data, err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for fault, want := range map[faulty.Fault]error{
		faulty.Busy: remote.ErrBusy, faulty.Full: remote.ErrFull, faulty.Denied: remote.ErrDenied, faulty.Unreachable: remote.ErrUnreachable,
	} {
		s := scripted(t, faulty.Once{Fault: fault, Name: "log/d", Skip: 1})
		for i, want := range []error{nil, want, nil} {
			err := s.Write(t.Context(), "log/d", nil)
			if !errors.Is(err, want) {
				t.Errorf("%v, call %d: %v", fault, i, err)
			}
			if of := faulty.Of(err); (want != nil) != (of == fault) {
				t.Errorf("%v, call %d: the error is of %v", fault, i, of)
			}
		}
		wantCount(t, s, fault, 1)
	}
}

func TestLag(t *testing.T) {
	s := faulty.New(memory.New(), faulty.Options{LagCalls: 3})
	s.Script(faulty.Once{Fault: faulty.Lag})
	if err := s.Write(t.Context(), "log/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for call := 1; call <= 4; call++ {
		_, err := s.Read(t.Context(), "log/a")
		if shows := call > 3; (err == nil) != shows {
			t.Errorf("call %d: %v", call, err)
		}
	}
	if names, _ := listing(t.Context(), s); len(names) != 1 {
		t.Errorf("listed %q", names)
	}
}

// TestReorder: what replaces a file shows after the file is gone.
func TestReorder(t *testing.T) {
	s := scripted(t, faulty.Once{Fault: faulty.Reorder, Name: "log/abc"})
	if err := s.Write(t.Context(), "log/abc", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"log/a log/b log/c", "", "log/b log/c", "log/abc log/b log/c"} {
		if want == "" {
			if err := s.Remove(t.Context(), "log/a"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if names, _ := listing(t.Context(), s); strings.Join(names, " ") != want {
			t.Errorf("listed %q, want %s", names, want)
		}
	}
}

// TestCopied: what is written to a name that is taken shows under another, and cannot be read there.
func TestCopied(t *testing.T) {
	s := scripted(t, faulty.Once{Fault: faulty.Copied, Name: "log/b"})
	if err := s.Write(t.Context(), "log/b", []byte("other")); err != nil {
		t.Fatal(err)
	}
	names, err := listing(t.Context(), s)
	if err != nil || len(names) != 4 || remote.CheckName(names[3]) == nil {
		t.Errorf("listed %q, %v", names, err)
	}
	if data, err := s.Read(t.Context(), "log/b"); err != nil || string(data) != "0123456789" {
		t.Errorf("read %q, %v", data, err)
	}
	wantCount(t, s, faulty.Copied, 1)
}

// TestDoubled: there are two files of a name, and a Remove takes one.
func TestDoubled(t *testing.T) {
	s := scripted(t, faulty.Once{Fault: faulty.Doubled, Name: "log/b"})
	if err := s.Write(t.Context(), "log/b", []byte("other")); err != nil {
		t.Fatal(err)
	}
	if names, _ := listing(t.Context(), s); strings.Join(names, " ") != "log/a log/b log/c log/b" {
		t.Errorf("listed %q", names)
	}
	read := map[string]bool{}
	for range 40 {
		data, err := s.Read(t.Context(), "log/b")
		if err != nil {
			t.Fatal(err)
		}
		read[string(data)] = true
	}
	if len(read) != 2 {
		t.Errorf("read %v", read)
	}
	for _, left := range []string{"log/a log/b log/c", "log/a log/c"} {
		if err := s.Remove(t.Context(), "log/b"); err != nil {
			t.Fatal(err)
		}
		if names, _ := listing(t.Context(), s); strings.Join(names, " ") != left {
			t.Errorf("listed %q, want %s", names, left)
		}
	}
}

// TestReturns: a removed file is gone for some calls, and then back.
func TestReturns(t *testing.T) {
	s := scripted(t, faulty.Once{Fault: faulty.Returns})
	s.Set(faulty.Options{LagCalls: 2})
	if err := s.Remove(t.Context(), "log/a"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"log/b log/c", "log/a log/b log/c"} {
		if names, _ := listing(t.Context(), s); strings.Join(names, " ") != want {
			t.Errorf("listed %q, want %s", names, want)
		}
	}
}

// TestBurst: Busy by chance refuses some calls in a row.
func TestBurst(t *testing.T) {
	s := faulty.New(memory.New(), faulty.Options{Seed: 3, Chance: map[faulty.Fault]float64{faulty.Busy: 0.1}, Burst: 4})
	row, rows := 0, map[int]int{}
	for range 300 {
		if _, err := listing(t.Context(), s); errors.Is(err, remote.ErrBusy) {
			row++
		} else if row > 0 {
			rows[row]++
			row = 0
		}
	}
	for n := range rows {
		if n%4 != 0 {
			t.Errorf("%d refusals in a row", n)
		}
	}
	if len(rows) == 0 {
		t.Error("never busy")
	}
}

// TestPersonalities: each says where its quirks are told of, and takes the names that a share has; and not every name.
func TestPersonalities(t *testing.T) {
	for _, p := range faulty.Personalities() {
		if len(p.Quirks) == 0 || len(p.Options.Chance) < 3 {
			t.Errorf("%s: %d quirks, %d faults", p.Name, len(p.Quirks), len(p.Options.Chance))
		}
		s := faulty.New(memory.New(), faulty.Options{Refuses: p.Options.Refuses, Stray: p.Options.Stray})
		for _, name := range []string{
			"share.0123456789abcdef.json", "reserve.bin", "view/saeby2vs6lug7fmm/index.json",
			"past/saeby2vs6lug7fmm.y7g33fehctwnaz4q.5-7.dliklep23mxmnwtlxaobh5d4ba.jsonl.gz",
		} {
			if err := s.Write(t.Context(), name, nil); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
		if p.Options.Refuses == nil {
			continue
		}
		for _, name := range []string{"log/con.gz", "log/a:b", strings.Repeat("a", 300), "log/desktop.ini"} {
			if err := s.Write(t.Context(), name, nil); !errors.Is(err, remote.ErrName) {
				t.Errorf("%s takes %s: %v", p.Name, name, err)
			}
		}
		if s.Refused() != 4 {
			t.Errorf("%s: %d names refused", p.Name, s.Refused())
		}
		if p.Options.Stray != nil && remote.CheckName(p.Options.Stray("log/a.gz")) == nil {
			t.Errorf("%s: a stray file has a name of ours", p.Name)
		}
	}
}

func TestHeal(t *testing.T) {
	s := faulty.New(memory.New(), faulty.Options{Chance: map[faulty.Fault]float64{faulty.Lag: 1}, LagCalls: 1000})
	s.Script(faulty.Once{Fault: faulty.Empty})
	if err := s.Write(t.Context(), "log/a", nil); err != nil {
		t.Fatal(err)
	}
	s.Heal()
	if names, err := listing(t.Context(), s); err != nil || len(names) != 1 {
		t.Errorf("listed %q, %v", names, err)
	}
}

// history runs many calls under all faults and tells what each answered.
func history(t *testing.T, seed uint64) (string, *faulty.Storage) {
	t.Helper()
	chance := map[faulty.Fault]float64{}
	for _, f := range faulty.Faults() {
		chance[f] = 0.04
	}
	s := faulty.New(memory.New(), faulty.Options{Seed: seed, Chance: chance})
	var told strings.Builder
	for i := range 1500 {
		name := fmt.Sprintf("log/%d", i%20)
		err := s.Write(t.Context(), name, []byte(name))
		names, listErr := listing(t.Context(), s)
		data, readErr := s.Read(t.Context(), name)
		fmt.Fprintln(&told, err, names, listErr, string(data), readErr)
		if i%7 == 0 {
			fmt.Fprintln(&told, s.Remove(t.Context(), name))
		}
	}
	return told.String(), s
}

func TestSeedRepeats(t *testing.T) {
	first, s := history(t, 1)
	again, _ := history(t, 1)
	other, _ := history(t, 2)
	if first != again {
		t.Error("the same seed told another history")
	}
	if first == other {
		t.Error("another seed told the same history")
	}
	for _, f := range faulty.Faults() {
		if s.Counts()[f] == 0 {
			t.Errorf("%v never happened", f)
		}
	}
	if got, want := s.Requests(), (faulty.Requests{Lists: 1500, Reads: 1500, Writes: 1500, Removes: 215}); got != want {
		t.Errorf("requests %+v, want %+v", got, want)
	}
}
