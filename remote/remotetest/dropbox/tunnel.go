package dropbox

import (
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// The hosts of Dropbox's API.
const (
	apiHost     = "api.dropboxapi.com"
	contentHost = "content.dropboxapi.com"
	notifyHost  = "notify.dropboxapi.com"
)

// tunnels is an HTTP proxy that hands the connections through it to who accepts from it, as if it were a listener.
type tunnels struct {
	address net.Addr
	conns   chan net.Conn
	end     sync.Once
	ended   chan struct{}
}

func newTunnels(address net.Addr) *tunnels {
	return &tunnels{address: address, conns: make(chan net.Conn), ended: make(chan struct{})}
}

// ServeHTTP opens a tunnel to a host of Dropbox; all else is refused, so that no test reaches the internet.
func (t *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || (host != apiHost && host != contentHost && host != notifyHost) {
		http.Error(w, "this proxy leads to Dropbox's API alone, not to "+r.Host, http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	select {
	case t.conns <- conn:
	case <-t.ended:
		_ = conn.Close()
	}
}

// Accept answers the next connection through the proxy.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.ended:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; whoever comes then is hung up on.
func (t *tunnels) Close() error {
	t.end.Do(func() { close(t.ended) })
	return nil
}

// Addr is the proxy's.
func (t *tunnels) Addr() net.Addr { return t.address }

// silent is for connections that are cut on purpose.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
