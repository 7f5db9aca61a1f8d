package daemon

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/notify"
)

// broker is a NATS server in this process, which can be stopped and started again on its port.
type broker struct {
	*server.Server

	o server.Options
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{o: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 64 << 10}}
	b.start(t)
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start(t *testing.T) {
	t.Helper()
	o := b.o
	s, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS does not start")
	}
	b.Server, b.o.Port = s, o.Port
}

func (b *broker) stop() {
	b.Shutdown()
	b.WaitForShutdown()
}

func (b *broker) address() string { return fmt.Sprintf("nats://127.0.0.1:%d/share", b.o.Port) }

func channels() *Channels {
	return &Channels{Check: notify.Check, Mask: notify.Mask, Open: notify.Open, SetUp: notify.SetUp, TearDown: notify.TearDown}
}

// onOneChannel starts two devices with one share and one channel, which are on it.
func onOneChannel(t *testing.T, address string) [2]*served {
	t.Helper()
	share := t.TempDir()
	if err := disk.Make(share); err != nil {
		t.Fatal(err)
	}
	var both [2]*served
	for i := range both {
		both[i] = serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Channels: channels()})
		if _, err := both[i].client.AddRemote(t.Context(), api.Remote{Name: "share", Path: share, Notify: address}); err != nil {
			t.Fatal(err)
		}
		if _, err := both[i].client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "share", Join: i > 0}); err != nil {
			t.Fatal(err)
		}
		both[i].sync(t)
	}
	both[0].append(t, "todos", `{"type":"CREATE_NODE","id":"first"}`)
	both[0].sync(t)
	both[1].sync(t)
	return both
}

// awaits looks at a device's figures until they are as they should be.
func (s *served) awaits(t *testing.T, what string, holds func(figures map[string]float64) bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds(s.metrics(t)) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: never; problems %v", what, func() []string { _, p := s.status(t); return p }())
		}
		<-tick.C
	}
}

// held is the status of the remote with the channel.
func (s *served) held(t *testing.T) api.RemoteStatus {
	t.Helper()
	all, err := s.client.Remotes(t.Context())
	i := slices.IndexFunc(all, func(r api.RemoteStatus) bool { return r.Name == "share" })
	if err != nil || i < 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[i]
}

func ofMessages(outcome string) string {
	return fmt.Sprintf("setlogger_messages_total{outcome=%q,remote=\"share\"}", outcome)
}

// TestMessagesCarryChanges has a reader of the second device hear of what the first appends. Polls are 30 seconds apart.
func TestMessagesCarryChanges(t *testing.T) {
	both := onOneChannel(t, startBroker(t).address())
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	e.until("the first", e.has("todos", "first", "{}"))
	medianToReader(t, both[0], e, 50, func() {})
	both[1].awaits(t, "most come by messages", func(f map[string]float64) bool { return f[ofMessages("folded")] >= 45 })
	both[1].append(t, "todos", `{"type":"SET_PROPERTY","id":"first","path":["back"],"value":1}`)
	other := both[0].listen(t)
	other.say(api.Subscription{Subscribe: "todos"})
	other.until("the answer", other.has("todos", "first", `{"back":1}`))
	if _, problems := both[0].status(t); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
}

// TestLargeEntriesGoByFiles appends what no message of the broker takes.
func TestLargeEntriesGoByFiles(t *testing.T) {
	both := onOneChannel(t, startBroker(t).address())
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	noise := make([]byte, 100<<10)
	_, _ = rand.Read(noise)
	both[0].append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"large","properties":{"x":%q}}`, hex.EncodeToString(noise)))
	e.until("the large node", func() bool { return e.nodes["todos/large"] != "" })
	both[1].awaits(t, "the word to look", func(f map[string]float64) bool { return f[ofMessages("look")] > 0 })
}

// TestForgedMessagesAreNothing has somebody send who can reach the broker, and does not know the share.
func TestForgedMessagesAreNothing(t *testing.T) {
	address := startBroker(t).address()
	both := onOneChannel(t, address)
	stranger, err := notify.Open(t.Context(), address, strings.Repeat("0", 32))
	if err != nil {
		t.Fatal(err)
	}
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	both[0].append(t, "todos", `{"type":"CREATE_NODE","id":"true"}`)
	e.until("the true node", e.has("todos", "true", "{}"))
	seen, err := stranger.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(seen), "todos") {
		t.Error("a message can be read")
	}
	flipped := slices.Clone(seen)
	flipped[len(flipped)/2] ^= 1
	for _, m := range [][]byte{flipped, []byte("noise"), {}, seen[:20], seen} { // the last one is replayed
		if err := stranger.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	both[1].awaits(t, "each is counted", func(f map[string]float64) bool { return f[ofMessages("refused")] == 4 && f[ofMessages("known")] == 1 })
	if b, err := both[1].client.Bucket(t.Context(), "todos"); err != nil || b.Entries != 2 {
		t.Errorf("%+v, %v", b, err)
	}
	if err := stranger.Close(); err != nil {
		t.Error(err)
	}
}

// TestBrokerGoesAndComes stops the broker: what is appended meanwhile comes by polls, and messages carry again afterwards.
func TestBrokerGoesAndComes(t *testing.T) {
	b := startBroker(t)
	both := onOneChannel(t, b.address())
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	b.stop()
	for _, s := range both {
		s.awaits(t, "the problem", func(f map[string]float64) bool { return f[`setlogger_problems{kind="notify-unreachable"}`] == 1 })
	}
	status, _ := both[0].status(t)
	if status.State == api.StateProblem || status.State == api.StateOffline || both[0].held(t).Error != "" {
		t.Errorf("without the broker the device is %s: %+v", status.State, status.Remotes)
	}
	both[0].append(t, "todos", `{"type":"CREATE_NODE","id":"meanwhile"}`)
	e.until("by a poll", e.has("todos", "meanwhile", "{}"))
	b.start(t)
	for _, s := range both {
		s.awaits(t, "the problem's end", func(f map[string]float64) bool { return f[`setlogger_problems{kind="notify-unreachable"}`] == 0 })
	}
	before := both[1].metrics(t)[ofMessages("folded")]
	both[0].append(t, "todos", `{"type":"CREATE_NODE","id":"again"}`)
	e.until("by a message", e.has("todos", "again", "{}"))
	both[1].awaits(t, "a message", func(f map[string]float64) bool { return f[ofMessages("folded")] > before })
}

func TestAddressOfAChannel(t *testing.T) {
	address := startBroker(t).address()
	s := onOneChannel(t, strings.Replace(address, "//", "//ada:secret@", 1))[0]
	path := s.held(t).Path
	add := func(notify, want string) {
		t.Helper()
		r, err := s.client.AddRemote(t.Context(), api.Remote{Name: "share", Path: path, Notify: notify})
		if err != nil || r.Notify != want {
			t.Errorf("%q: %+v, %v", notify, r, err)
		}
	}
	add("", strings.Replace(address, "//", "//***@", 1))
	add(address, address)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = serveOptions(t, Options{Data: s.data, Channels: channels()})
	if got := s.held(t).Notify; got != address {
		t.Errorf("after a restart it is %q", got)
	}
	add("none", "")
	if _, problems := s.status(t); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
	for _, bad := range []string{"nats://ada:secret@host", "ftp://host/x", "x"} {
		_, err := s.client.AddRemote(t.Context(), api.Remote{Name: "share", Path: path, Notify: bad})
		if !errors.Is(err, api.ErrRefused) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
