package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/setlogger/setlogger/api"
)

func TestStreamTellsOfManyBuckets(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.bucket(t, "notes")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`)
	e := s.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("all nodes first", e.has("todos", "a", `{"n":1}`))
	e.say(api.Subscription{Subscribe: "notes"})
	e.until("nothing yet", func() bool { return e.place["notes"] != "" })
	s.append(t, "notes", `{"type":"CREATE_NODE","id":"b","properties":{"n":2}}`)
	e.until("a change of one", e.has("notes", "b", `{"n":2}`))
	s.append(t, "todos", `{"type":"SET_PROPERTY","id":"a","properties":{"n":3}}`)
	e.until("a change of the other", e.has("todos", "a", `{"n":3}`))
	s.append(t, "todos", `{"type":"DELETE_NODE","id":"a"}`)
	e.until("a deletion", e.has("todos", "a", ""))
	if e.resets != 2 {
		t.Errorf("%d resets, want one for each bucket", e.resets)
	}

	e.say(api.Subscription{Unsubscribe: "todos"})
	place := e.place["todos"]
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"meanwhile"}`)
	again := s.listen(t)
	again.say(api.Subscription{Subscribe: "todos", After: place})
	again.until("what changed meanwhile", again.has("todos", "meanwhile", "{}"))
	if again.resets != 0 || len(again.nodes) != 1 {
		t.Errorf("after a break: %d resets, %v", again.resets, again.nodes)
	}
	for _, wrong := range []string{"x", "5", "99999" + place, strings.Replace(place, ".", ".x", 1)} {
		other := s.listen(t)
		other.say(api.Subscription{Subscribe: "todos", After: wrong})
		other.until("a place of another log", func() bool { return other.resets == 1 && len(other.nodes) == 1 })
	}
}

func TestStreamGoesOnAfterARestart(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"a"}`)
	e := s.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("the first", e.has("todos", "a", "{}"))
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"b"}`)
	s = s.restart(t)
	var err error
	for err == nil { // b may still come, and then the end
		_, err = e.hear()
	}
	if status := websocket.CloseStatus(err); status != websocket.StatusGoingAway {
		t.Errorf("ended with %v: %v", status, err)
	}
	again := s.listen(t)
	again.nodes = e.nodes
	again.say(api.Subscription{Subscribe: "todos", After: e.place["todos"]})
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"c"}`)
	again.until("the last", again.has("todos", "c", "{}"))
	if again.resets > 0 || len(again.nodes) != 3 {
		t.Errorf("%d resets, %v", again.resets, again.nodes)
	}
}

// TestWatchOutlivesTheDaemon: the client takes the stream up again where it broke.
func TestWatchOutlivesTheDaemon(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"a"}`)
	client, err := api.NewClient(api.Options{Data: s.data}) // by the socket, whose place stays
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	e := &ear{t: t, nodes: map[string]string{}, place: map[string]string{}}
	for event, err := range client.Watch(ctx, "todos", "") {
		if err != nil {
			t.Fatal(err)
		}
		e.take(event)
		if event.Type != api.EventReady {
			continue
		}
		switch len(e.nodes) {
		case 1:
			s = s.restart(t)
			s.append(t, "todos", `{"type":"CREATE_NODE","id":"b"}`)
		case 2:
			s.append(t, "todos", `{"type":"CREATE_NODE","id":"c"}`)
		}
		if len(e.nodes) == 3 {
			break
		}
	}
	if e.resets != 1 || len(e.nodes) != 3 {
		t.Errorf("%d resets, %v", e.resets, e.nodes)
	}
	for _, err := range client.Watch(ctx, "nowhere", "") {
		var refusal *api.Error
		if !errors.As(err, &refusal) || refusal.Status != 404 {
			t.Errorf("of no bucket: %v", err)
		}
	}
}

// TestWatchMany: the buckets of one connection are taken up each at its own place.
func TestWatchMany(t *testing.T) {
	s := serveDaemon(t)
	for _, name := range []string{"todos", "photos"} {
		s.bucket(t, name)
		s.append(t, name, `{"type":"CREATE_NODE","id":"a"}`)
	}
	client, err := api.NewClient(api.Options{Data: s.data})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	e := &ear{t: t, nodes: map[string]string{}, place: map[string]string{}}
	again := false
	for event, err := range client.WatchMany(ctx, map[string]string{"todos": "", "photos": ""}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.take(event); event.Type == api.EventReady && len(e.nodes) == 2 && len(e.place) == 2 && !again {
			again, s = true, s.restart(t)
			s.append(t, "photos", `{"type":"CREATE_NODE","id":"b"}`)
		}
		if len(e.nodes) == 3 {
			break
		}
	}
	if e.resets != 2 {
		t.Errorf("%d resets, %v", e.resets, e.nodes)
	}
	for _, err := range client.WatchMany(ctx, map[string]string{"todos": "", "nowhere": ""}) {
		if !errors.Is(err, api.ErrNotFound) {
			t.Errorf("of no bucket: %v", err)
		}
	}
}

// TestStreamOfFarBehind: who is behind by more entries than there are nodes gets all nodes instead of each change.
func TestStreamOfFarBehind(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"a","properties":{"n":0}}`)
	e := s.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("the first", e.has("todos", "a", `{"n":0}`))
	var lines strings.Builder
	for i := range tooFar + 100 {
		fmt.Fprintf(&lines, `{"type":"SET_PROPERTY","id":"a","properties":{"n":%d}}`+"\n", i+1)
	}
	if got := s.call(t, "POST", "/v1/buckets/todos/actions", lines.String(), http.Header{"Content-Type": {api.LinesType}}); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	last := fmt.Sprintf(`{"n":%d}`, tooFar+100)
	again := s.listen(t)
	again.say(api.Subscription{Subscribe: "todos", After: e.place["todos"]})
	again.until("the last value", again.has("todos", "a", last))
	if again.resets != 1 {
		t.Errorf("%d resets", again.resets)
	}
	e.until("the last value, for who was there", e.has("todos", "a", last))
}

func TestStreamRefusals(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.bucket(t, "secrets")
	id, token := s.pair(t, appOrigin, "todos:r")
	page := []string{api.StreamProtocol, api.BearerProtocol + token}
	for _, c := range []struct {
		name, origin, token string
		protocols           []string
		want                int
	}{
		{"no token", "", "", []string{api.StreamProtocol}, 401},
		{"app's page", appOrigin, "", page, 101},
		{"app's token in a program", "", "", page, 403},
		{"another page", "https://evil.example", "", page, 403},
		{"null", "null", "", page, 403},
		{"owner's token from a page", appOrigin, "", []string{api.StreamProtocol, api.BearerProtocol + s.token}, 403},
		{"wrong token", appOrigin, "", []string{api.StreamProtocol, api.BearerProtocol + "x"}, 401},
		{"two tokens", appOrigin, "", append(page, api.BearerProtocol+"x"), 401},
		{"owner's token in a program", "", "", []string{api.StreamProtocol, api.BearerProtocol + s.token}, 101},
	} {
		socket, response, err := s.dial(t, c.origin, c.protocols, c.token)
		if response == nil || response.StatusCode != c.want {
			t.Errorf("%s: %v, %v", c.name, response, err)
		}
		if err == nil {
			if got := socket.Subprotocol(); got != api.StreamProtocol {
				t.Errorf("%s: subprotocol %q", c.name, got)
			}
			_ = socket.CloseNow()
		}
	}
	socket, _, err := s.dial(t, appOrigin, page, "")
	if err != nil {
		t.Fatal(err)
	}
	e := newEar(t, socket)
	for name, want := range map[string]int{"secrets": 403, "nowhere": 403} {
		e.say(api.Subscription{Subscribe: name})
		if event, err := e.hear(); err != nil || event.Type != api.EventEnd || event.Bucket != name || event.Error.Status != want {
			t.Errorf("%s: %+v, %v", name, event, err)
		}
	}
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("its own bucket", func() bool { return true })
	if err := s.client.RemoveApp(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = e.hear()
	}
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("revoked: %v", err)
	}
	for name, message := range map[string]string{"no JSON": "x", "nothing": "{}", "twice": `{"subscribe":"todos"}`} {
		e := s.listen(t)
		e.say(api.Subscription{Subscribe: "todos"})
		if err := e.socket.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		var err error
		for err == nil {
			_, err = e.hear()
		}
		if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := s.call(t, "GET", "/v1/stream", "", nil); got.status != 406 {
		t.Errorf("neither: %d %s", got.status, got.body)
	}
}

func TestLeavingABucketEndsItsStream(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	e := s.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("the begin", func() bool { return true })
	if err := s.client.LeaveBucket(t.Context(), "todos", false); err != nil {
		t.Fatal(err)
	}
	if event, err := e.hear(); err != nil || event.Type != api.EventEnd || event.Error == nil {
		t.Errorf("%+v, %v", event, err)
	}
}

func TestEventStream(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.bucket(t, "a/b")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"a"}`)
	e, id := s.events(t, "", func(e *ear) bool { return e.nodes["todos/a"] == "{}" && len(e.place) == 2 })
	if e.resets != 2 || id == "" {
		t.Errorf("%d resets, id %q", e.resets, id)
	}
	s.append(t, "a/b", `{"type":"CREATE_NODE","id":"b"}`)
	e, _ = s.events(t, id, func(e *ear) bool { return e.nodes["a/b/b"] == "{}" })
	if e.resets != 0 || len(e.nodes) != 1 {
		t.Errorf("%d resets, %v", e.resets, e.nodes)
	}
	for query, want := range map[string]int{"": 400, "?bucket=nowhere": 404} {
		if got := s.call(t, "GET", "/v1/stream"+query, "", http.Header{"Accept": {api.EventsType}}); got.status != want {
			t.Errorf("%q: %d %s", query, got.status, got.body)
		}
	}
}
