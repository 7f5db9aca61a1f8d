package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/coder/websocket"
)

// toldEvent is a message of a stream.
type toldEvent struct {
	Type  string
	Place string
	Nodes []toldNode
}

// subscribe opens a WebSocket and asks for a bucket, from a place or from the beginning.
func (d *device) subscribe(ctx context.Context, client *http.Client, bucket, place string) (*websocket.Conn, error) {
	socket, _, err := websocket.Dial(ctx, "ws://"+d.address+"/v1/stream", &websocket.DialOptions{
		HTTPClient: client, Subprotocols: []string{"setlogger.v1"}, HTTPHeader: http.Header{"Authorization": {"Bearer " + d.token}},
	})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(8 << 20)
	wish, _ := json.Marshal(map[string]string{"subscribe": bucket, "after": place}) // strings marshal
	return socket, socket.Write(ctx, websocket.MessageText, wish)
}

// habit is how a healthy subscriber lives.
type habit int

const (
	stays    habit = iota // on one connection
	resumes               // breaks off anywhere, and goes on from its last place
	restarts              // breaks off anywhere, and begins anew
)

// longestConnection is in messages, of subscribers that break off.
const longestConnection = 300

// subscriber is a healthy one: it reads all the time, and knows what it must be told.
type subscriber struct {
	device *device
	habit  habit
	chance *rand.Rand
	report func(told *[soakWriters]sequence) // at each ready

	tally  tally
	sure   [soakWriters]sequence // as of the last ready
	place  string                // of the last ready
	breaks int
	resets int // that it did not ask for
}

// follow reads until it was told of the last node.
func (s *subscriber) follow(ctx context.Context) error {
	for {
		if err := s.connection(ctx); err != nil || s.tally.ended {
			return err
		}
		s.breaks++
		s.tally.broke(s.sure)
		if s.habit == restarts {
			s.place = ""
		}
	}
}

// connection reads until it breaks off, or was told of the last node.
func (s *subscriber) connection(ctx context.Context) error {
	socket, err := s.device.subscribe(ctx, s.device.client, soakBucket, s.place)
	if err != nil {
		return err
	}
	defer func() { _ = socket.CloseNow() }()
	goesOn := s.place != ""
	for left := s.chance.IntN(longestConnection); left > 0 || s.habit == stays; left-- {
		_, data, err := socket.Read(ctx)
		if err != nil {
			return err
		}
		var event toldEvent
		if err := json.Unmarshal(data, &event); err != nil {
			return fmt.Errorf("%w: %s", err, data)
		}
		switch event.Type {
		case "reset":
			s.tally.reset()
			if goesOn {
				s.resets++
			}
		case "snapshot", "change":
			s.tally.take(event.Nodes)
		case "ready":
			s.ready(event.Place)
			if s.tally.ended {
				return nil
			}
		default:
			return fmt.Errorf("%w: %s", errRefused, data)
		}
		goesOn = true
	}
	return nil
}

// ready makes sure of what was told so far.
func (s *subscriber) ready(place string) {
	s.tally.ready()
	s.place, s.sure = place, s.tally.sequences
	s.report(&s.sure)
}
