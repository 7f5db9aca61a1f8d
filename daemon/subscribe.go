package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/setlogger/setlogger/api"
)

const (
	maxSubscriptions = 64       // of one connection
	maxWish          = 16 << 10 // bytes of a message from a reader

	farewellTime = 500 * time.Millisecond // for a reader to take what is under way and the farewell; less than closeTime
)

// stream is one connection that tells of many buckets.
type stream struct {
	d     *Daemon
	who   caller
	write func(ctx context.Context, message []byte, bucket, place string) error // one at a time; place: of a ready

	mu      sync.Mutex
	feeds   map[string]context.CancelFunc
	running sync.WaitGroup
}

// openStream answers GET /v1/stream: a WebSocket, or an event stream of the buckets in the query.
func (d *Daemon) openStream(w http.ResponseWriter, r *http.Request) error {
	ctx, end := d.beginStream(r)
	defer end()
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{d: d, who: callerOf(ctx), feeds: map[string]context.CancelFunc{}}
	defer s.running.Wait()
	defer cancel()
	switch {
	case isUpgrade(r):
		return s.serveSocket(ctx, w, r)
	case strings.Contains(r.Header.Get("Accept"), api.EventsType):
		return s.serveEvents(ctx, w, r)
	}
	return problem(http.StatusNotAcceptable, "a stream is a WebSocket or an event stream", "connect a WebSocket, or send Accept: "+api.EventsType)
}

// beginStream answers a context that ends with the request, with the daemon, and when the app is let out. The stores are
// closed only after end.
func (d *Daemon) beginStream(r *http.Request) (ctx context.Context, end func()) {
	d.running.Add(1)
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(d.streams, cancel)
	if app := callerOf(ctx).app; app != nil {
		go func() {
			select {
			case <-app.ended:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { stop(); cancel(); d.running.Done() }
}

func isUpgrade(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") }

// serveSocket sends what the reader subscribes to, until either goes.
func (s *stream) serveSocket(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{api.StreamProtocol}, InsecureSkipVerify: true, // the gate has judged the origin
	})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	defer func() { _ = socket.CloseNow() }()
	defer s.d.metrics.noteStream("websocket")()
	socket.SetReadLimit(maxWish)
	late, cancel := outliving(ctx)
	defer cancel()
	var writing sync.Mutex
	s.write = func(ctx context.Context, message []byte, _, _ string) error {
		writing.Lock()
		defer writing.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		late, cancel := context.WithTimeout(late, s.d.o.Write)
		defer cancel()
		return s.d.metrics.noteWrite(socket.Write(late, websocket.MessageText, message))
	}
	s.running.Go(func() { beat(ctx, late, socket, &s.d.o) })
	defer context.AfterFunc(ctx, func() { _ = socket.Close(websocket.StatusGoingAway, "the daemon is stopping, or the app was revoked") })()
	for {
		_, message, err := socket.Read(late)
		if err != nil {
			return nil //nolint:nilerr // the reader is gone
		}
		if err := s.take(ctx, message); err != nil {
			_ = socket.Close(websocket.StatusPolicyViolation, err.Error())
			return nil
		}
	}
}

// outliving ends farewellTime after ctx: a write or read that is cut off closes the socket without a word of why, and one that
// is not bounded holds the stop up.
func outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(farewellTime, cancel) })
	return late, func() { stop(); cancel() }
}

// beat finds out until ctx ends whether the reader is still there, and answers within the limit.
func beat(ctx, late context.Context, socket *websocket.Conn, o *Options) {
	ticker := time.NewTicker(o.Beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		ping, cancel := context.WithTimeout(late, o.Write)
		err := socket.Ping(ping)
		// the library gives up after 5 s, too, while a message is being written: that has a limit of its own
		busy := errors.Is(err, context.DeadlineExceeded) && ping.Err() == nil
		cancel()
		if err != nil && !busy {
			_ = socket.CloseNow()
			return
		}
	}
}

// take begins or ends a bucket's events.
func (s *stream) take(ctx context.Context, message []byte) error {
	var wish api.Subscription
	if err := json.Unmarshal(message, &wish); err != nil || (wish.Subscribe == "") == (wish.Unsubscribe == "") {
		return errors.New(`send {"subscribe":"BUCKET"} or {"unsubscribe":"BUCKET"}`)
	}
	if wish.Unsubscribe != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if end := s.feeds[wish.Unsubscribe]; end != nil {
			end()
		}
		return nil
	}
	return s.subscribe(ctx, wish.Subscribe, wish.After)
}

// subscribe sends a bucket's events beside those of others.
func (s *stream) subscribe(ctx context.Context, name, after string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feeds[name] != nil {
		return fmt.Errorf("bucket %s is subscribed to already", name)
	}
	if len(s.feeds) >= maxSubscriptions {
		return fmt.Errorf("more than %d buckets on one connection", maxSubscriptions)
	}
	ctx, cancel := context.WithCancel(ctx)
	s.feeds[name] = cancel
	s.running.Go(func() {
		defer cancel()
		err := s.follow(ctx, name, after)
		s.mu.Lock()
		delete(s.feeds, name)
		s.mu.Unlock()
		if ctx.Err() == nil {
			s.end(ctx, name, err)
		}
	})
	return nil
}

// follow sends one bucket's events until something ends it.
func (s *stream) follow(ctx context.Context, name, after string) error {
	if !s.who.grant.mayRead(name) {
		return problem(http.StatusForbidden, "bucket "+name+" is not among the app's scopes", "the owner lets it in anew with "+name+":r")
	}
	b, err := s.d.bucket(name)
	if err != nil {
		return err
	}
	f := &feed{b: b, told: s.d.metrics.told, send: func(message []byte, place string) error { return s.write(ctx, append(message, '}'), name, place) }}
	return f.run(ctx, after)
}

// end says that nothing more comes of a bucket.
func (s *stream) end(ctx context.Context, name string, err error) {
	message, _ := json.Marshal(api.Event{Bucket: name, Type: api.EventEnd, Error: answerOf(err)}) // strings marshal
	_ = s.write(ctx, message, name, "")                                                           // the reader is gone
}

// serveEvents sends the events of the buckets that the query names. An event's id is the places of all of them: who comes
// back sends it as Last-Event-ID.
func (s *stream) serveEvents(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	names := r.URL.Query()["bucket"]
	if len(names) == 0 || len(names) > maxSubscriptions {
		return problem(http.StatusBadRequest, fmt.Sprintf("%d buckets are named", len(names)), fmt.Sprintf("name 1 to %d: /v1/stream?bucket=todos&bucket=photos", maxSubscriptions))
	}
	for _, name := range names {
		if !s.who.grant.mayRead(name) {
			return problem(http.StatusForbidden, "bucket "+name+" is not among the app's scopes", "the owner lets it in anew with "+name+":r")
		}
		if _, err := s.d.bucket(name); err != nil {
			return err
		}
	}
	defer s.d.metrics.noteStream("events")()
	from := placesOf(r.Header.Get("Last-Event-ID"))
	e := &eventWriter{out: newLineWriter(w), places: maps.Clone(from), metrics: s.d.metrics}
	e.out.kind = api.EventsType
	s.write = e.write
	if err := e.comment("here come the events"); err != nil {
		return nil //nolint:nilerr // the reader is gone
	}
	for _, name := range names {
		if err := s.subscribe(ctx, name, from.Get(name)); err != nil {
			break // named twice
		}
	}
	ticker := time.NewTicker(beatTime)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := e.comment("alive"); err != nil {
			return nil //nolint:nilerr // the reader is gone
		}
	}
}

// eventWriter writes an event stream.
type eventWriter struct {
	mu     sync.Mutex
	out    *lineWriter
	places url.Values // of the buckets, as the last ready told

	metrics *metrics
}

// placesOf reads what an event's id says.
func placesOf(id string) url.Values {
	places, err := url.ParseQuery(id)
	if err != nil {
		return url.Values{}
	}
	return places
}

func (e *eventWriter) write(_ context.Context, message []byte, bucket, place string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if place != "" {
		e.places.Set(bucket, place)
		e.out.buffer = append(append(append(e.out.buffer, "id: "...), e.places.Encode()...), '\n')
	}
	e.out.buffer = append(append(append(e.out.buffer, "data: "...), message...), "\n\n"...)
	return e.metrics.noteWrite(e.out.push())
}

func (e *eventWriter) comment(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.out.buffer = append(append(append(e.out.buffer, ": "...), text...), "\n\n"...)
	return e.metrics.noteWrite(e.out.push())
}
