package webdav

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/setlogger/setlogger/remote"
)

func (s *Server) get(w http.ResponseWriter, r *http.Request, name string) {
	data, err := s.files.Read(r.Context(), name)
	if err != nil {
		s.tell(w, err, 0)
		return
	}
	if whole, err := s.truth.Read(r.Context(), name); err == nil && len(data) < len(whole) && bytes.HasPrefix(whole, data) {
		breakOff(w, data, len(whole))
	}
	kind := "application/octet-stream"
	if bytes.HasPrefix(data, []byte("<!DOCTYPE html>")) {
		kind = "text/html" // a page in place of the content
	}
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// breakOff sends the first bytes of a content of a length, and no more.
func breakOff(w http.ResponseWriter, data []byte, length int) {
	w.Header().Set("Content-Length", strconv.Itoa(length))
	_, _ = w.Write(data)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// put stores a file. What came of an upload that broke off stays, as with plain servers.
func (s *Server) put(w http.ResponseWriter, r *http.Request, name string) {
	if !s.isFolder(parentOf(name)) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, remote.MaxFile))
	if err != nil {
		_ = s.truth.Write(lasting(r), name, data)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.tell(w, s.files.Write(lasting(r), name, data), http.StatusCreated)
}

// remove deletes a file; folders stay.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, name string) {
	if s.isFolder(name) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if _, err := s.truth.Read(r.Context(), name); err != nil {
		s.tell(w, err, 0)
		return
	}
	s.tell(w, s.files.Remove(lasting(r), name), http.StatusNoContent)
}

// move gives a file another name: it is written there, and goes here once it is whole there.
func (s *Server) move(w http.ResponseWriter, r *http.Request, from string) {
	target, err := url.Parse(r.Header.Get("Destination"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	to := nameOf(target.Path)
	data, err := s.truth.Read(r.Context(), from)
	if err != nil {
		s.tell(w, err, 0)
		return
	}
	if !s.isFolder(parentOf(to)) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	moved := s.files.Write(lasting(r), to, data)
	if stored, err := s.truth.Read(lasting(r), to); moved == nil || err == nil && bytes.Equal(stored, data) {
		_ = s.truth.Remove(lasting(r), from) // it is there at worst
	}
	s.tell(w, moved, http.StatusCreated)
}
