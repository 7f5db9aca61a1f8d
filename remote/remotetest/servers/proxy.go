package servers

import (
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes connections on to a server, so that a test can cut the network and mend it under the same address.
type proxy struct {
	address string // where clients connect
	server  string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	running  sync.WaitGroup
}

// newProxy listens in front of the server until the test ends.
func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	p := &proxy{address: "127.0.0.1:0", server: server, conns: map[net.Conn]bool{}}
	p.mend(t)
	t.Cleanup(func() { p.cut(t) })
	return p
}

// mend listens again.
func (p *proxy) mend(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.address = l, l.Addr().String()
	p.running.Go(func() { p.accept(l) })
}

// cut closes the listener and all connections, and waits for them.
func (p *proxy) cut(testing.TB) {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.pass(client) })
	}
}

// pass copies both ways until either side ends.
func (p *proxy) pass(client net.Conn) {
	defer p.forget(client)
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer p.forget(server)
	if !p.keep(client, server) {
		return
	}
	var upward sync.WaitGroup
	upward.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
	upward.Wait()
}

// keep notes the connections for cut; false when the network is cut already.
func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return p.listener != nil
}

func (p *proxy) forget(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
