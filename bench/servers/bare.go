package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// serveBare answers at each path what was put there: what net/http alone takes for the same bytes.
func serveBare(ctx context.Context, address string) error {
	var bodies sync.Map
	s := &http.Server{Addr: address, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			bodies.Store(r.URL.Path, body)
			return
		}
		body, _ := bodies.Load(r.URL.Path)
		bytes, ok := body.([]byte)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes) // the caller is gone
	})}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // it only ends
	defer stop()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
