package dropbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of a Server; the zero value works.
type Options struct {
	// PageLimit bounds the entries of one answer to list_folder, so that continue is needed; 0 leaves the caller's limit.
	PageLimit int
}

// Server is a running fake. Safe for concurrent use.
type Server struct {
	options   Options
	account   *account
	tokens    *tokens
	limits    *limits
	authority *authority
	caFile    string
	address   string
	routes    map[string]route

	mu       sync.Mutex
	requests map[string]int
	sessions map[string]*session
	proxy    *http.Server
	api      *http.Server
	running  sync.WaitGroup
}

// Start begins to listen on a free port of loopback, and writes the file of its authority to the folder.
func Start(folder string, o Options) (*Server, error) {
	a, err := newAuthority(apiHost, contentHost, notifyHost)
	if err != nil {
		return nil, err
	}
	s := &Server{
		options: o, account: newAccount(), tokens: newTokens(), limits: newLimits(), authority: a,
		caFile: filepath.Join(folder, "dropbox-ca.pem"), address: "127.0.0.1:0", requests: map[string]int{}, sessions: map[string]*session{},
	}
	s.routes = s.table()
	if err := os.WriteFile(s.caFile, a.pem, 0o600); err != nil {
		return nil, err
	}
	return s, s.Mend()
}

// Environ answers the variables under which a process reaches the fake when it means Dropbox. Loopback is reached as
// ever; nothing else is.
func (s *Server) Environ() []string {
	return []string{"HTTPS_PROXY=http://" + s.address, "SSL_CERT_FILE=" + s.caFile, "NO_PROXY="}
}

// Settings answers the part of an rclone.conf for a remote of this name that is logged in to the account. Each answer
// is the login of another device; its token has expired and is renewed by the first call. Lines with more options may
// follow.
func (s *Server) Settings(name string) string {
	token, _ := json.Marshal(map[string]string{ // strings always encode
		"access_token": "expired", "token_type": "bearer", "refresh_token": s.tokens.login(), "expiry": "2020-01-01T00:00:00Z",
	})
	return fmt.Sprintf("[%s]\ntype = dropbox\ntoken = %s\n", name, token)
}

// Requests answers how often each call was made, refused or not, by its path: "/2/files/list_folder".
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Room has the account take no more than so many bytes beside what it holds; negative is no limit, as at first.
func (s *Server) Room(left int64) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if s.account.room = s.account.used + left; left < 0 {
		s.account.room = 1 << 40
	}
}

// Files answers how many files the account holds below a path; "" is all of them.
func (s *Server) Files(path string) int { return s.account.count(path) }

// Cut breaks all connections and takes no more of them.
func (s *Server) Cut() {
	s.mu.Lock()
	proxy, api := s.proxy, s.api
	s.proxy, s.api = nil, nil
	s.mu.Unlock()
	if proxy != nil {
		_ = proxy.Close()
		_ = api.Close()
	}
	s.running.Wait()
}

// Mend listens again, at the same address and with the same files.
func (s *Server) Mend() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address = l.Addr().String()
	through := newTunnels(l.Addr())
	s.proxy = &http.Server{Handler: through, ReadHeaderTimeout: time.Minute}
	s.api = &http.Server{Handler: http.HandlerFunc(s.serve), TLSConfig: s.authority.config(), ReadHeaderTimeout: time.Minute, ErrorLog: silent()}
	s.run(func(proxy, _ *http.Server) error { return proxy.Serve(l) })
	s.run(func(_, api *http.Server) error { return api.ServeTLS(through, "", "") })
	return nil
}

// run serves until Cut, or the end of the process.
func (s *Server) run(serve func(proxy, api *http.Server) error) {
	proxy, api := s.proxy, s.api
	s.running.Go(func() {
		if err := serve(proxy, api); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			panic(err) // a listener of loopback that fails by itself: no test can go on
		}
	})
}

// Close ends the server for good.
func (s *Server) Close() { s.Cut() }
