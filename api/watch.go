package api

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Between two attempts to take up a stream that broke.
const (
	firstWatchPause   = 250 * time.Millisecond
	longestWatchPause = 15 * time.Second
)

// Watch yields what happens in a bucket: all nodes first, or what changed since a place, then each change. It takes a
// stream that broke up again where it was, for as long as the context lasts; nothing is lost by that, and some nodes may
// come twice. It ends with an *Error when the daemon refuses, and with the error of an EventEnd.
func (c *Client) Watch(ctx context.Context, bucket, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for event, err := range c.WatchMany(ctx, map[string]string{bucket: after}) {
			if err == nil && event.Type == EventEnd && event.Error != nil {
				err = event.Error
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// WatchMany is Watch for up to 64 buckets over one connection, each from a place or, where that is empty, from all nodes.
// Of a bucket that ends it yields the EventEnd, which says why, and goes on with the others. When one of them is not there as
// a stream begins, it ends with ErrNotFound.
func (c *Client) WatchMany(ctx context.Context, places map[string]string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := watcher{client: c, places: maps.Clone(places), yield: yield}
		w.begin()
		for len(w.places) > 0 && w.follow(ctx) && w.rest(ctx) {
		}
	}
}

// watcher is one WatchMany.
type watcher struct {
	client *Client
	places map[string]string // by bucket, of those that have not ended
	pauses backoff
	yield  func(Event, error) bool
}

// begin is for a daemon that answers: the next break is looked after at once.
func (w *watcher) begin() { w.pauses = backoff{next: firstWatchPause, longest: longestWatchPause} }

// follow yields the events of one connection, and tells whether to make another.
func (w *watcher) follow(ctx context.Context) bool {
	query, from := url.Values{"bucket": slices.Sorted(maps.Keys(w.places))}, url.Values{}
	for bucket, place := range w.places {
		set(from, bucket, place)
	}
	header := http.Header{"Accept": {EventsType}}
	if len(from) > 0 {
		header.Set("Last-Event-ID", from.Encode())
	}
	response, err := w.client.sendOnce(ctx, call{method: http.MethodGet, path: "/v1/stream", query: query, header: header})
	if err != nil {
		return w.goesOn(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	for data, err := range events(response.Body) {
		var event Event
		if err == nil {
			err = json.Unmarshal(data, &event)
		}
		if err != nil || event.Type == EventEnd && passing(event.Error) {
			return w.goesOn(ctx, err)
		}
		w.begin()
		if !w.take(event) {
			return false
		}
	}
	return w.goesOn(ctx, nil)
}

// take yields an event, and tells whether to go on.
func (w *watcher) take(event Event) bool {
	switch event.Type {
	case EventReady:
		w.places[event.Bucket] = event.Place
	case EventEnd:
		delete(w.places, event.Bucket)
	}
	return w.yield(event, nil) && len(w.places) > 0
}

func passing(e *Error) bool {
	return e != nil && (e.Status >= http.StatusInternalServerError || e.passes())
}

// goesOn tells whether an error is one that passes: the daemon is away, or busy.
func (w *watcher) goesOn(ctx context.Context, err error) bool {
	var refusal *Error
	switch {
	case ctx.Err() != nil:
		w.yield(Event{}, ctx.Err())
		return false
	case errors.As(err, &refusal) && !passing(refusal):
		w.yield(Event{}, w.client.told(err))
		return false
	}
	return true
}

// rest waits for ever longer between attempts.
func (w *watcher) rest(ctx context.Context) bool {
	err := w.pauses.rest(ctx, 0)
	if err != nil {
		w.yield(Event{}, err)
	}
	return err == nil
}
