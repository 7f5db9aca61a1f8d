package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/setlogger/setlogger/api"
)

// maxConnections bounds the connections of each listener; the socket's stay free whatever happens on the port.
const maxConnections = 256

// listen opens host:port, which must be on the loopback unless public.
func listen(ctx context.Context, address string, public bool) (*listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &StartError{Err: fmt.Errorf("%w: %q is not host:port", ErrAddress, address), Hint: "for example --listen 127.0.0.1:7373"}
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip.IsLoopback(); !loopback && !public {
		return nil, &StartError{
			Err:  fmt.Errorf("%w: %s is not a loopback address", ErrPublic, address),
			Hint: "use 127.0.0.1; whoever reaches the port and holds the token owns the data. --public listens there all the same",
		}
	}
	if host == "localhost" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	var config net.ListenConfig
	tcp, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &StartError{Err: fmt.Errorf("%w: %s: %w", ErrAddress, address, err), Hint: listenHint(err)}
	}
	return newListener(tcp), nil
}

func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there, perhaps another SetLogger; choose a free port with --listen 127.0.0.1:PORT"
	case errors.Is(err, syscall.EACCES):
		return "this user may not use that port; choose one above 1023"
	}
	return "choose another address with --listen 127.0.0.1:PORT"
}

// listenSocket opens the unix socket of the data folder. Where there can be none it answers nil: clients use the port.
func listenSocket(ctx context.Context, f *folder, log *slog.Logger) *listener {
	if runtime.GOOS == "windows" {
		return nil
	}
	path := f.file(api.SocketFile)
	_ = os.Remove(path) // a killed daemon leaves its own; the lock says that none is alive
	var config net.ListenConfig
	socket, err := config.Listen(ctx, "unix", path)
	if err != nil {
		log.Warn("no unix socket, clients use the port", "path", path, "error", err)
		return nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		log.Warn("no unix socket, its mode cannot be set", "path", path, "error", err)
		_ = socket.Close()
		return nil
	}
	return newListener(socket)
}

// listener bounds its open connections and tells who is at the other end.
type listener struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	close func() error
}

func newListener(l net.Listener) *listener {
	made := &listener{Listener: l, slots: make(chan struct{}, maxConnections), done: make(chan struct{})}
	made.close = sync.OnceValue(func() error { close(made.done); return l.Close() })
	return made
}

// Accept waits for a free slot first.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	c := &connection{Conn: conn, free: sync.OnceFunc(func() { <-l.slots })}
	if unix, ok := conn.(*net.UnixConn); ok {
		c.socket = true
		c.owner = peerIs(unix, os.Getuid())
	}
	return c, nil
}

// Close ends Accept. Connections stay.
func (l *listener) Close() error { return l.close() }

// connection knows how its peer came.
type connection struct {
	net.Conn
	free   func()
	socket bool // through the unix socket
	owner  bool // the peer's user is the daemon's, says the kernel
}

// Close gives the slot free.
func (c *connection) Close() error {
	defer c.free()
	return c.Conn.Close()
}

// peer is the connection of a request.
type peer struct{}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peer{}, conn)
}

// peerOf answers the connection a request came by, or an empty one.
func peerOf(ctx context.Context) *connection {
	if c, ok := ctx.Value(peer{}).(*connection); ok {
		return c
	}
	return &connection{}
}

// hostsOf lists the Host headers that name a TCP listener.
func hostsOf(address net.Addr) []string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return nil
	}
	port := ":" + strconv.Itoa(tcp.Port)
	return []string{"127.0.0.1" + port, "localhost" + port, "[::1]" + port}
}
