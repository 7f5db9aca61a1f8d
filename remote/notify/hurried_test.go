package notify

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestHurried: a peer that takes nothing holds up nobody for longer than writeTime.
func TestHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer func() { _ = theirs.Close() }()
		c := hurried{ours}
		began := time.Now()
		if _, err := c.Write([]byte("m")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != writeTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
