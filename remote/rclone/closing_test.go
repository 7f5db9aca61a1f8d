package rclone

import (
	"errors"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest"
)

// held counts the remotes that Stop would have to end.
func held() int {
	library.running.Wait()
	library.mu.Lock()
	defer library.mu.Unlock()
	return len(library.ends)
}

// TestClose: neither Make nor a storage that was closed keeps anything, and those that share a remote with it go on.
func TestClose(t *testing.T) {
	inner, err := Encrypted(":memory:closing", "encrypted", "password", "salt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{":memory:closing", inner} {
		before := held()
		for range 3 {
			if err := library.Make(t.Context(), path); err != nil {
				t.Fatal(err)
			}
		}
		if n := held(); n != before {
			t.Errorf("%s: Make keeps %d", Mask(path), n-before)
		}
		stays, goes := library.Open(path), library.Open(path)
		for _, s := range []remote.Storage{stays, goes} {
			if err := s.Write(t.Context(), "log/a", []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		remote.Close(goes)
		remote.Close(goes) // again changes nothing
		if n := held(); n != before+1 {
			t.Errorf("%s: %d are held", Mask(path), n-before)
		}
		if _, err := goes.Read(t.Context(), "log/a"); !errors.Is(err, remote.ErrUnreachable) {
			t.Errorf("%s: a read after the end: %v", Mask(path), err)
		}
		if names := remotetest.Names(t, stays, "log"); len(names) != 1 {
			t.Errorf("%s: the other one shows %v", Mask(path), names)
		}
		remote.Close(stays)
		remote.Close(library.Open(path)) // which was never used
		if n := held(); n != before {
			t.Errorf("%s: %d are held at the end", Mask(path), n-before)
		}
	}
}
