package daemon

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// served is a running daemon over a folder of this disk.
type served struct {
	address string
	token   string
	data    string
	client  *api.Client
	stop    func() error // ends it and answers what Run did
}

// serveDaemon runs a daemon until the test ends.
func serveDaemon(t testing.TB) *served {
	t.Helper()
	return serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data")})
}

func serveOptions(t testing.TB, o Options) *served {
	t.Helper()
	ready := make(chan Ready, 1)
	o.Ready = func(r Ready) { ready <- r }
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Open == nil {
		o.Open = func(path string) remote.Storage { return disk.New(path) }
	}
	if o.Make == nil {
		o.Make = func(_ context.Context, path string) error { return disk.Make(path) }
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	s := &served{data: o.Data, stop: sync.OnceValue(func() error { cancel(); return <-ended })}
	select {
	case r := <-ready:
		s.address = r.Address
	case err := <-ended:
		t.Fatalf("the daemon did not start: %v", err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	token, err := os.ReadFile(filepath.Join(o.Data, api.TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(token))
	if s.client, err = api.NewClient(api.Options{Data: o.Data, Address: s.address}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *served) bucket(t *testing.T, name string) {
	t.Helper()
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: name}); err != nil {
		t.Fatal(err)
	}
}

func (s *served) append(t *testing.T, bucket, action string) *api.Appended {
	t.Helper()
	a, err := s.client.Append(t.Context(), bucket, []byte(action), api.AppendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFirstStart(t *testing.T) {
	s := serveDaemon(t)
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Remotes) != 1 || status.Remotes[0].Name != "local" || len(status.Buckets) != 0 || status.Problems == nil {
		t.Errorf("status %+v", status)
	}
	address, err := os.ReadFile(filepath.Join(s.data, api.AddressFile))
	if err != nil || strings.TrimSpace(string(address)) != s.address {
		t.Errorf("address file %q, %v", address, err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{api.AddressFile, api.SocketFile} {
		if _, err := os.Stat(filepath.Join(s.data, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind: %v", name, err)
		}
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos/work")
	s.append(t, "todos/work", `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`)
	before, err := s.client.Node(t.Context(), "todos/work", "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := serveOptions(t, Options{Data: s.data})
	after, err := again.client.Node(t.Context(), "todos/work", "a")
	if err != nil || after.Rev != before.Rev || string(after.Value) != `{"n":1}` {
		t.Errorf("after: %+v, %v", after, err)
	}
	if again.token != s.token {
		t.Error("the token changed")
	}
}

func TestTwoDaemonsOnOneFolder(t *testing.T) {
	s := serveDaemon(t)
	err := Run(t.Context(), Options{Data: s.data, Listen: "127.0.0.1:0"})
	var start *StartError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &start) || start.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestPortTaken(t *testing.T) {
	s := serveDaemon(t)
	err := Run(t.Context(), Options{Data: t.TempDir(), Listen: s.address})
	var start *StartError
	if !errors.Is(err, ErrAddress) || !errors.As(err, &start) || !strings.Contains(start.Hint, "free port") {
		t.Errorf("got %v", err)
	}
}

// TestStopWithWorkInFlight stops while a stream of lines, a follower and a long poll are open.
func TestStopWithWorkInFlight(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	var appendErr, followErr error
	first := make(chan struct{})
	calls.Go(func() { _, appendErr = s.client.AppendMany(t.Context(), "b", read, nil) })
	calls.Go(func() {
		for _, err := range s.client.FollowLog(t.Context(), "b", "") {
			if followErr = err; err == nil {
				close(first)
			}
		}
	})
	if _, err := write.WriteString(`{"type":"CREATE_NODE","id":"a"}` + "\n"); err != nil {
		t.Fatal(err)
	}
	<-first // acknowledged to the log, while its stream goes on
	start := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	_ = write.Close()
	calls.Wait()
	if appendErr == nil || followErr == nil {
		t.Errorf("streams: append %v, follow %v", appendErr, followErr)
	}
	again := serveOptions(t, Options{Data: s.data})
	if _, err := again.client.Node(t.Context(), "b", "a"); err != nil {
		t.Errorf("what was committed is gone: %v", err)
	}
}

// hung is a remote whose calls never end, whatever their context says.
type hung struct{ remote.Storage }

func (hung) List(context.Context, string) iter.Seq2[remote.Object, error] { select {} }

// TestStopWithAHungRemote: a remote that ignores its context holds up neither the stop nor what was appended.
func TestStopWithAHungRemote(t *testing.T) {
	s := serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"),
		Open: func(path string) remote.Storage { return hung{disk.New(path)} },
	})
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"a"}`)
	start := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	again := serveOptions(t, Options{Data: s.data})
	if _, err := again.client.Node(t.Context(), "b", "a"); err != nil {
		t.Error(err)
	}
}

func TestSocketNeedsNoToken(t *testing.T) {
	s := serveDaemon(t)
	if err := os.Remove(filepath.Join(s.data, api.TokenFile)); err != nil {
		t.Fatal(err)
	}
	c, err := api.NewClient(api.Options{Data: s.data})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(c.Where(), api.SocketFile) {
		t.Fatalf("the client does not use the socket but %s", c.Where())
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the owner on the socket: %v", err)
	}
	var refused *api.Error
	stranger, err := api.NewClient(api.Options{Data: s.data, Address: s.address})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Status(t.Context()); !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("no token on the port: %v", err)
	}
}
