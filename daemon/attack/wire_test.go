package attack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/daemon"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// framings say in two ways where the body ends, so that what one reader takes for its rest is a request to another. inner is that request.
func framings(inner string) map[string]struct{ head, body string } {
	packed := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(inner), inner)
	return map[string]struct{ head, body string }{
		"length and chunks":         {fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", len("0\r\n\r\n")+len(inner)), "0\r\n\r\n" + inner},
		"chunks and a short length": {"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", packed},
		"two lengths":               {fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n", len(inner)), inner},
		"list of lengths":           {fmt.Sprintf("Content-Length: 0, %d\r\n", len(inner)), inner},
		"length with a sign":        {fmt.Sprintf("Content-Length: +%d\r\n", len(inner)), inner},
		"negative length":           {"Content-Length: -1\r\n", inner},
		"no number":                 {"Content-Length: 0x0\r\n", inner},
		"two encodings":             {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", packed},
		"list of encodings":         {"Transfer-Encoding: gzip, chunked\r\n", packed},
		"no encoding there is":      {"Transfer-Encoding: xchunked\r\n", inner},
		"space before the colon":    {"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n", inner},
		"folded header":             {"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n", inner},
		"vertical tab":              {"Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n", inner},
		"chunk of no number":        {"Transfer-Encoding: chunked\r\n", "zz\r\n" + inner},
		"chunk of a negative size":  {"Transfer-Encoding: chunked\r\n", "-1\r\n" + inner},
		"chunk with a long size":    {"Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n" + inner},
	}
}

// TestSmuggling hides each call of the document in the body of a request by the owner. Wherever a body ends by the daemon's reading, what
// follows is a request of its own, without the token: never is it taken for the owner's.
func TestSmuggling(t *testing.T) {
	v := start(t)
	before := v.state(t)
	for _, c := range v.calls(t) {
		hidden := v.request(c)
		for name, f := range framings(hidden.text()) {
			outer := "POST /v1/verify HTTP/1.1\r\nHost: " + v.address + "\r\nContent-Type: text/plain\r\nAuthorization: Bearer " + v.tokens["owner"] + "\r\n" + f.head + "\r\n" + f.body
			for i, status := range v.exchange(t, outer) {
				if i == 0 && (status < 400 || status > 501) {
					t.Errorf("%s: the outer request: %d", name, status)
				}
				if want := by(served, served, served, http.StatusUnauthorized)(c); i > 0 && !meets(status, want) && status != http.StatusBadRequest {
					t.Errorf("%s: %s was answered %d, want %s", name, c.name, status, words(want))
				}
			}
		}
	}
	if after := v.state(t); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
}

// exchange sends bytes, and answers the status of each answer until the daemon closes.
func (v *victim) exchange(t *testing.T, bytes string) []int {
	t.Helper()
	conn := v.dial(t)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, bytes); err != nil {
		return nil
	}
	if half, ok := conn.(*net.TCPConn); ok {
		_ = half.CloseWrite() // nothing more comes: the daemon need not wait for it
	}
	return replies(conn)
}

// TestSlowRequests holds a header and a body of each call back. Others are served meanwhile, and the daemon ends each by its bound.
func TestSlowRequests(t *testing.T) {
	t.Parallel() // it waits for 20 s of the contract to pass
	v := start(t)
	before := v.state(t)
	calls := v.calls(t)
	held := map[string]net.Conn{}
	for _, c := range calls {
		r := v.request(c)
		if c.body != "" { // else the owner would be served: what such calls are sent is not read
			r.set("Authorization: Bearer " + v.tokens["owner"])
		}
		head, _, _ := strings.Cut(r.text(), "\r\n\r\n")
		held["header of "+c.name] = v.hold(t, head)
		r.set("Content-Type: application/json", "Content-Length: 1000")
		r.body = "{"
		held["body of "+c.name] = v.hold(t, r.text())
	}
	if v.state(t) != before {
		t.Error("half a request changed something")
	}
	if got := v.send(t, v.attacking(attack{by: "owner"}, calls[len(calls)-1])); got.status != http.StatusOK {
		t.Errorf("beside %d slow ones: %d %s", len(held), got.status, got.body)
	}
	var ending sync.WaitGroup
	for name, conn := range held {
		ending.Go(func() {
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Errorf("%s: not ended: %v", name, err)
			}
			if strings.HasPrefix(string(got), "HTTP/1.1 5") || v.leak(string(got)) != "" {
				t.Errorf("%s: %s", name, got)
			}
		})
	}
	ending.Wait()
	if after := v.state(t); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
}

// hold sends the beginning of a request and leaves the connection open.
func (v *victim) hold(t *testing.T, text string) net.Conn {
	t.Helper()
	conn := v.dial(t)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestGreedyConnections takes every connection of the port and more. The owner comes in by the socket, and by the port once they are gone.
func TestGreedyConnections(t *testing.T) {
	v := start(t)
	var all []net.Conn
	for range 300 {
		all = append(all, v.hold(t, "GET /v1/status HTTP/1.1\r\nHost: "))
	}
	response, err := v.socketClient(t).Get("http://localhost/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the owner on the socket: %d", response.StatusCode)
	}
	for _, conn := range all {
		_ = conn.Close()
	}
	if got := v.send(t, v.attacking(attack{by: "owner"}, call{method: http.MethodGet, target: "/v1/status"})); got.status != http.StatusOK {
		t.Errorf("the owner on the port, after: %d", got.status)
	}
}

// TestPublicNeedsItsFlag starts daemons that would listen beyond this machine.
func TestPublicNeedsItsFlag(t *testing.T) {
	addresses := []string{"0.0.0.0:0", "[::]:0", ":0", "[::ffff:0.0.0.0]:0", "192.0.2.1:0", "[2001:db8::1]:0", "example.org:0"}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range own {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLoopback() {
			addresses = append(addresses, net.JoinHostPort(network.IP.String(), "0"))
		}
	}
	for _, address := range addresses {
		err := daemon.Run(t.Context(), daemon.Options{
			Data: filepath.Join(t.TempDir(), "data"), Listen: address, NoSync: true,
			Open:  func(path string) remote.Storage { return disk.New(path) },
			Ready: func(r daemon.Ready) { t.Errorf("%s: listens on %s", address, r.Address) },
		})
		var start *daemon.StartError
		if !errors.Is(err, daemon.ErrPublic) || !errors.As(err, &start) || !strings.Contains(start.Hint, "--public") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
