package endtoend

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// stalled is a subscriber that reads nothing.
type stalled struct {
	socket *websocket.Conn
	local  string // its end of the connection, as the kernel lists it
	since  time.Time
}

// stall subscribes and reads nothing from then on.
func (d *device) stall(ctx context.Context) (*stalled, error) {
	s := &stalled{since: time.Now()}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			s.local = kernelAddress(tcp.LocalAddr())
			err = tcp.SetReadBuffer(4096) // the less the kernel takes, the more is left to the daemon
		}
		return conn, err
	}}}
	var err error
	s.socket, err = d.subscribe(ctx, client, soakBucket, "")
	return s, err
}

// kernelAddress is an IPv4 address as /proc/net/tcp has it on machines that put the low byte first.
func kernelAddress(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return ""
	}
	ip := tcp.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], tcp.Port)
}

// established is the other ends of the connections on which the daemon has not hung up. Who reads nothing is not told so.
func (d *device) established() (map[string]bool, error) {
	list, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	address, err := net.ResolveTCPAddr("tcp4", d.address)
	if err != nil {
		return nil, err
	}
	here, others := kernelAddress(address), map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == here && f[3] == "01" {
			others[f[2]] = true
		}
	}
	return others, nil
}

// gallery is a number of stalled subscribers: who is cut off comes again.
type gallery struct {
	device *device
	held   []*stalled
	lasted []time.Duration // connections, until they were cut off
}

// keep holds so many stalled ones until the context ends.
func (g *gallery) keep(ctx context.Context, many int) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for len(g.held) < many {
			s, err := g.device.stall(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			g.held = append(g.held, s)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := g.drop(); err != nil {
			return err
		}
	}
}

// drop lets go of those that were cut off.
func (g *gallery) drop() error {
	there, err := g.device.established()
	if err != nil {
		return err
	}
	g.held = slices.DeleteFunc(g.held, func(s *stalled) bool {
		if there[s.local] {
			return false
		}
		g.lasted = append(g.lasted, time.Since(s.since))
		_ = s.socket.CloseNow()
		return true
	})
	return nil
}

// empty waits until all are cut off.
func (g *gallery) empty(t *testing.T) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(g.held) > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("%d stalled subscribers are not cut off after %v", len(g.held), patience)
			return
		}
		if err := g.drop(); err != nil {
			t.Fatal(err)
		}
	}
}
