package servers_test

import (
	"net"
	"os"
	"regexp"
	"testing"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestStartStop: every server takes connections, stops taking them, and takes them again at the same address.
func TestStartStop(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			s := kind.Start(t)
			wantReachable(t, s, true)
			s.Stop(t)
			wantReachable(t, s, false)
			s.Restart(t)
			wantReachable(t, s, true)
			if info, err := os.Stat(s.Folder); err != nil || !info.IsDir() {
				t.Errorf("folder: %v", err)
			}
		})
	}
}

func wantReachable(t *testing.T, s *servers.Server, want bool) {
	t.Helper()
	var err error
	if m := regexp.MustCompile(`127\.0\.0\.1(?::|,port=)(\d+)`).FindStringSubmatch(s.Path); m != nil {
		var conn net.Conn
		if conn, err = net.Dial("tcp", "127.0.0.1:"+m[1]); err == nil {
			_ = conn.Close()
		}
	} else {
		_, err = os.Stat(s.Folder)
	}
	if (err == nil) != want {
		t.Errorf("reachable = %v (%v), want %v", err == nil, err, want)
	}
}
