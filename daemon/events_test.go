package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// until takes in the events of a stream until one is as wanted, and answers how many there were.
func until(t *testing.T, what string, next func() (api.Status, error, bool), wanted func(s api.Status) bool) int {
	t.Helper()
	for n := 1; ; n++ {
		s, err, more := next()
		if err != nil || !more {
			t.Fatalf("%s: %v", what, err)
		}
		if wanted(s) {
			return n
		}
	}
}

// hearStatus begins a stream of the status that the test ends.
func hearStatus(t *testing.T, c *api.Client) func() (api.Status, error, bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	next, stop := iter.Pull2(c.Events(ctx))
	t.Cleanup(func() { cancel(); stop() })
	return next
}

func TestEventsTellOfEachChange(t *testing.T) {
	s := serveDaemon(t)
	next := hearStatus(t, s.client)
	first, err, _ := next()
	if err != nil || first.Version == "" || len(first.Remotes) != 1 || first.Buckets == nil {
		t.Fatalf("at first %+v, %v", first, err)
	}
	for _, c := range []struct {
		name   string
		change func()
		wanted func(s api.Status) bool
	}{
		{"a remote", func() { s.share(t, filepath.Join(t.TempDir(), "share")) }, func(s api.Status) bool { return len(s.Remotes) == 2 }},
		{"a bucket", func() { s.bucket(t, "b") }, func(s api.Status) bool { return len(s.Buckets) == 1 }},
		{"an entry", func() { s.append(t, "b", `{"type":"CREATE_NODE","id":"a"}`) }, func(s api.Status) bool { return s.Buckets[0].Nodes == 1 }},
		{"a round", func() { s.sync(t) }, func(s api.Status) bool { return s.Pending == 0 && s.LastSync != nil && s.State == api.StateIdle }},
		{"an app that asks", func() { s.ask(t) }, func(s api.Status) bool { return s.Asking == 1 }},
		{"a bucket less", func() { _ = s.client.LeaveBucket(t.Context(), "b", false) }, func(s api.Status) bool { return len(s.Buckets) == 0 }},
		{"a remote less", func() { _ = s.client.RemoveRemote(t.Context(), "share") }, func(s api.Status) bool { return len(s.Remotes) == 1 }},
	} {
		c.change()
		until(t, c.name, next, c.wanted)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for err == nil { // some may be under way
		_, err, _ = next()
	}
}

func (s *served) ask(t *testing.T) {
	t.Helper()
	if _, err := s.client.AskApp(t.Context(), api.AppRequest{Name: "Lists", Scopes: []string{"b:r"}}); err != nil {
		t.Fatal(err)
	}
}

// TestEventsComeTogether: however much happens, a reader is told a few times a second.
func TestEventsComeTogether(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	begin := time.Now()
	next := hearStatus(t, s.client)
	const entries = 300
	for i := range entries {
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d"}`, i))
	}
	n := until(t, "all entries", next, func(s api.Status) bool { return s.Buckets[0].Nodes == entries })
	if most := int(time.Since(begin)/eventPause) + 1; n > most {
		t.Errorf("%d events, want %d at most", n, most)
	}
}

// TestEventsOfAnApp: it sees what it may, and no more once it is let out.
func TestEventsOfAnApp(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "mine")
	s.bucket(t, "others")
	added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "Lists", Scopes: []string{"mine:r"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := api.NewClient(api.Options{Data: s.data, Address: s.address, Token: added.Token})
	if err != nil {
		t.Fatal(err)
	}
	next := hearStatus(t, c)
	s.ask(t)
	s.append(t, "mine", `{"type":"CREATE_NODE","id":"a"}`)
	until(t, "its bucket", next, func(s api.Status) bool {
		if len(s.Buckets) != 1 || s.Asking != 0 || s.Remotes[0].Path != "" {
			t.Fatalf("it is shown %+v", s)
		}
		return s.Buckets[0].Nodes == 1
	})
	if err := s.client.RemoveApp(t.Context(), added.ID); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err, _ = next()
	}
	var refused *api.Error
	if _, err, _ := hearStatus(t, c)(); !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("revoked: %v", err)
	}
}
