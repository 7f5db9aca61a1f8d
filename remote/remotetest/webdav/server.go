package webdav

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/setlogger/setlogger/remote"
)

// Options of a Server; the zero value works.
type Options struct {
	// Truth is what really stands there, where the files served may lie; nil is these themselves. The properties of a
	// single file and what is moved are taken from it, and what came of a broken upload is put into it.
	Truth remote.Storage
	// Answer says what a client is told of an error; nil is Standard.
	Answer func(err error) Answer
}

// Server is a place reached over WebDAV. Folders are its own: the root and what clients make.
type Server struct {
	// URL is that of the root, without a slash at its end.
	URL string

	files, truth remote.Storage
	answer       func(err error) Answer
	requests     atomic.Int64
	uploads      atomic.Int64
	server       http.Server
	ended        chan error

	mu      sync.Mutex
	folders map[string]bool // without the root
}

// Start serves the files on a free port until Close.
func Start(files remote.Storage, o Options) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL: "http://" + l.Addr().String(), files: files, truth: files, answer: Standard,
		ended: make(chan error, 1), folders: map[string]bool{},
	}
	if o.Truth != nil {
		s.truth = o.Truth
	}
	if o.Answer != nil {
		s.answer = o.Answer
	}
	s.server.Handler, s.server.ReadHeaderTimeout = http.HandlerFunc(s.serve), time.Minute
	go func() { s.ended <- s.server.Serve(l) }()
	return s, nil
}

// Close cuts all connections, and answers why the server ended before, if it did.
func (s *Server) Close() error {
	err := s.server.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		return ended
	}
	return err
}

// Path answers the rclone path of the root; no rclone.conf is needed.
func (s *Server) Path() string { return `:webdav,url="` + s.URL + `",vendor=other:` }

// Requests answers how many came so far.
func (s *Server) Requests() int { return int(s.requests.Load()) }

// Uploads answers how many of them began to bring a file.
func (s *Server) Uploads() int { return int(s.uploads.Load()) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	name := nameOf(r.URL.Path)
	switch r.Method {
	case "PROPFIND":
		s.propfind(w, r, name)
	case http.MethodGet:
		s.get(w, r, name)
	case http.MethodPut:
		s.uploads.Add(1)
		s.put(w, r, name)
	case http.MethodDelete:
		s.remove(w, r, name)
	case "MKCOL":
		s.makeFolder(w, name)
	case "MOVE":
		s.move(w, r, name)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

const (
	unfinished = ".partial"    // ends the names by which rclone uploads, and which no Storage takes
	kept       = "-unfinished" // ends them there instead
)

// nameOf answers the Storage's name for the path of a URL.
func nameOf(p string) string {
	name := strings.Trim(path.Clean(p), "/")
	if base, ok := strings.CutSuffix(name, unfinished); ok {
		return base + kept
	}
	return name
}

// hrefOf answers the path of a URL for the Storage's name.
func hrefOf(name string) string {
	if base, ok := strings.CutSuffix(name, kept); ok {
		name = base + unfinished
	}
	return (&url.URL{Path: "/" + name}).EscapedPath()
}

// isFolder tells whether a folder is there.
func (s *Server) isFolder(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return name == "" || s.folders[name]
}

// makeFolder makes one in a folder that is there (RFC 4918, 9.3).
func (s *Server) makeFolder(w http.ResponseWriter, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch parent := parentOf(name); {
	case name == "" || s.folders[name]:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case parent != "" && !s.folders[parent]:
		w.WriteHeader(http.StatusConflict)
	default:
		s.folders[name] = true
		w.WriteHeader(http.StatusCreated)
	}
}

// foldersIn answers the folders directly in a folder.
func (s *Server) foldersIn(folder string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.folders {
		if parentOf(name) == folder {
			names = append(names, name)
		}
	}
	return names
}

// parentOf answers the folder that a name is in, "" for the root.
func parentOf(name string) string {
	folder, _ := path.Split(name)
	return strings.TrimSuffix(folder, "/")
}

// lasting is a context that does not end when the client hangs up: the place goes on with what it has.
func lasting(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
