package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/setlogger/setlogger/api"
)

// ear is a reader of a stream that keeps what it was told.
type ear struct {
	t      *testing.T
	socket *websocket.Conn
	nodes  map[string]string // bucket/id → value
	place  map[string]string // by bucket
	resets int
}

func (s *served) dial(t *testing.T, origin string, protocols []string, token string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
		header.Set("Sec-Fetch-Mode", "websocket")
		header.Set("Sec-Fetch-Site", "cross-site")
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return websocket.Dial(t.Context(), "ws://"+s.address+"/v1/stream", &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
}

// listen is a reader with the owner's token.
func (s *served) listen(t *testing.T) *ear {
	t.Helper()
	socket, _, err := s.dial(t, "", []string{api.StreamProtocol}, s.token)
	if err != nil {
		t.Fatal(err)
	}
	return newEar(t, socket)
}

func newEar(t *testing.T, socket *websocket.Conn) *ear {
	socket.SetReadLimit(8 << 20)
	t.Cleanup(func() { _ = socket.CloseNow() })
	return &ear{t: t, socket: socket, nodes: map[string]string{}, place: map[string]string{}}
}

func (e *ear) say(wish api.Subscription) {
	e.t.Helper()
	data, _ := json.Marshal(wish)
	if err := e.socket.Write(e.t.Context(), websocket.MessageText, data); err != nil {
		e.t.Fatal(err)
	}
}

// hear takes in the next message.
func (e *ear) hear() (api.Event, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), 20*time.Second)
	defer cancel()
	_, data, err := e.socket.Read(ctx)
	var event api.Event
	if err == nil {
		err = json.Unmarshal(data, &event)
	}
	if err == nil {
		e.take(event)
	}
	return event, err
}

func (e *ear) take(event api.Event) {
	switch event.Type {
	case api.EventReset:
		e.resets++
		maps.DeleteFunc(e.nodes, func(key, _ string) bool { return strings.HasPrefix(key, event.Bucket+"/") })
	case api.EventReady:
		e.place[event.Bucket] = event.Place
	}
	for _, node := range event.Nodes {
		if node.Deleted {
			delete(e.nodes, event.Bucket+"/"+node.ID)
		} else {
			e.nodes[event.Bucket+"/"+node.ID] = string(node.Value)
		}
	}
}

// until hears messages until something holds at a ready.
func (e *ear) until(what string, holds func() bool) {
	e.t.Helper()
	for {
		event, err := e.hear()
		if err != nil {
			e.t.Fatalf("%s: %v after %.2000s", what, err, fmt.Sprint(e.nodes))
		}
		if event.Type == api.EventReady && holds() {
			return
		}
	}
}

func (e *ear) has(bucket, id, value string) func() bool {
	return func() bool { return e.nodes[bucket+"/"+id] == value }
}

// events reads an event stream of two buckets until something holds at a ready, and answers the id of the last event.
func (s *served) events(t *testing.T, from string, holds func(e *ear) bool) (e *ear, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/v1/stream?bucket=todos&bucket=a%2Fb", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", api.EventsType)
	request.Header.Set("Authorization", "Bearer "+s.token)
	if from != "" {
		request.Header.Set("Last-Event-ID", from)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	e = &ear{t: t, nodes: map[string]string{}, place: map[string]string{}}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), ": ")
		switch kind {
		case "id":
			id = rest
		case "data":
			var event api.Event
			if err := json.Unmarshal([]byte(rest), &event); err != nil {
				t.Fatal(err)
			}
			e.take(event)
			if event.Type == api.EventReady && holds(e) {
				return e, id
			}
		}
	}
	t.Fatal(errors.Join(errors.New("the stream ended"), lines.Err()))
	return nil, ""
}
