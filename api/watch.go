package api

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Between two attempts to take up a stream that broke.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
)

// Watch yields what happens in a bucket: all nodes first, or what changed since a place, then each change. It takes a
// stream that broke up again where it was, for as long as the context lasts; nothing is lost by that, and some nodes may
// come twice. It ends with an *Error when the daemon refuses, and with the error of an EventEnd.
func (c *Client) Watch(ctx context.Context, bucket, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := watcher{client: c, bucket: bucket, place: after, pause: firstPause, yield: yield}
		for w.follow(ctx) && w.rest(ctx) {
		}
	}
}

// watcher is one Watch.
type watcher struct {
	client        *Client
	bucket, place string
	pause         time.Duration
	yield         func(Event, error) bool
}

// follow yields the events of one connection, and tells whether to make another.
func (w *watcher) follow(ctx context.Context) bool {
	header := http.Header{"Accept": {EventsType}}
	if w.place != "" {
		header.Set("Last-Event-ID", url.Values{w.bucket: {w.place}}.Encode())
	}
	response, err := w.client.send(ctx, call{method: http.MethodGet, path: "/v1/stream", query: url.Values{"bucket": {w.bucket}}, header: header})
	if err != nil {
		return w.goesOn(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	for data, err := range events(response.Body) {
		var event Event
		if err == nil {
			err = json.Unmarshal(data, &event)
		}
		if err == nil && event.Type == EventEnd && event.Error != nil {
			err = event.Error
		}
		if err != nil {
			return w.goesOn(ctx, err)
		}
		w.pause = firstPause
		if event.Type == EventReady {
			w.place = event.Place
		}
		if !w.yield(event, nil) {
			return false
		}
	}
	return w.goesOn(ctx, nil)
}

// goesOn tells whether an error is one that passes: the daemon is away, or busy.
func (w *watcher) goesOn(ctx context.Context, err error) bool {
	var refusal *Error
	switch {
	case ctx.Err() != nil:
		w.yield(Event{}, ctx.Err())
		return false
	case errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError && refusal.Status != http.StatusTooManyRequests:
		w.yield(Event{}, err)
		return false
	}
	return true
}

// rest waits for ever longer between attempts.
func (w *watcher) rest(ctx context.Context) bool {
	timer := time.NewTimer(w.pause)
	defer timer.Stop()
	w.pause = min(2*w.pause, longestPause)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		w.yield(Event{}, ctx.Err())
		return false
	}
}
