package webdav

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/setlogger/setlogger/remote"
)

// Answer is what a client is told of an error.
type Answer struct {
	Status     int // 0 breaks the connection
	RetryAfter int // seconds; 0 is not told
	Kind, Body string
}

// Standard answers an error by the status that HTTP and WebDAV have for it, 423 Locked for one of no known kind.
func Standard(err error) Answer {
	for _, known := range []struct {
		err    error
		status int
	}{
		{remote.ErrNotExist, http.StatusNotFound},
		{remote.ErrName, http.StatusBadRequest},
		{remote.ErrFull, http.StatusInsufficientStorage},
		{remote.ErrExpired, http.StatusUnauthorized},
		{remote.ErrDenied, http.StatusForbidden},
		{remote.ErrBusy, http.StatusTooManyRequests},
		{remote.ErrUnreachable, http.StatusServiceUnavailable},
		{remote.ErrTooLarge, http.StatusRequestEntityTooLarge},
	} {
		if errors.Is(err, known.err) {
			return Answer{Status: known.status}
		}
	}
	return Answer{Status: http.StatusLocked}
}

// tell answers a request with an error, or with a success of the status given.
func (s *Server) tell(w http.ResponseWriter, err error, success int) {
	if err == nil {
		w.WriteHeader(success)
		return
	}
	a := s.answer(err)
	if a.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	if a.Kind != "" {
		w.Header().Set("Content-Type", a.Kind)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(a.Body)) // a client that is gone needs no answer
}
