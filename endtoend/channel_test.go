package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestChangesByNATS(t *testing.T) { testChannel(t, brokers.NATS(t), true) }

// TestChangesByRabbitMQ kills the broker in its long form alone: it takes long to start.
func TestChangesByRabbitMQ(t *testing.T) { testChannel(t, brokers.RabbitMQ(t), soak()) }

func TestChangesByGoogle(t *testing.T) { testChannel(t, brokers.Google(t), true) }

func TestChangesByKafka(t *testing.T) { testChannel(t, brokers.Kafka(t), soak()) }

func TestChangesByAzure(t *testing.T) { testChannel(t, brokers.Azure(t), soak()) }

func TestChangesByAWS(t *testing.T) { testChannel(t, brokers.AWS(t), soak()) }

// pause is between the appends of somebody who works fast.
const pause = 100 * time.Millisecond

// testChannel has a subscriber of one device hear of what another appends, by way of a broker: on its own, with the broker killed
// under load, and after it has come back. The share is a folder that is polled like a remote far away.
func testChannel(t *testing.T, b *brokers.Broker, kill bool) {
	b.Start(t)
	share := filepath.Join(t.TempDir(), "share")
	if err := os.Mkdir(share, 0o700); err != nil {
		t.Fatal(err)
	}
	writer, reader := onChannel(t, "a", share, b.Channel), onChannel(t, "b", share, b.Channel)
	writer.run(t, "bucket", "create", "x", "--remote", "share")
	settle(t, "x", writer)
	reader.run(t, "bucket", "join", "x", "--remote", "share")
	load := &channelLoad{acknowledged: &acknowledged{device: writer, bucket: "x", prefix: "n"}, arrivals: arrivals{at: map[string]time.Time{}, came: make(chan struct{})}}
	load.one(t)
	settle(t, "x", writer, reader)
	stop := load.arrivals.follow(t, reader)
	defer stop()
	load.await(t, 0)

	if out := reader.run(t, "remote", "channel", "setup", "share"); !bytes.Contains(out, []byte("ok      trip")) {
		t.Errorf("the set-up says %s", out)
	}
	raw := b.Raw(t)
	var alone []time.Duration
	for range 100 {
		alone = append(alone, raw())
	}
	t.Logf("%s, raw: median %v", b.Name, median(alone))
	bound := median(alone) + 2*flush(t) + 3*time.Millisecond
	t.Logf("from the append to the subscriber of the other device, one after the other: median %v; raw, two flushes of the disk and 3 ms are %v", load.each(t, 100, 0), bound)
	t.Logf("with a pause of %v before each: median %v", pause, load.each(t, 50, pause))

	if kill {
		load.withoutBroker(t, b, writer, reader)
	}
	agree(t, "x", writer, reader)
	load.check(t, writer)
	load.check(t, reader)
	writer.run(t, "remote", "channel", "teardown", "share", "--all")
}

// onChannel starts a device with a remote that has a channel. ":local:" makes it one that may be far away.
func onChannel(t *testing.T, name, share, notify string) *device {
	t.Helper()
	d := newDevice(t, name)
	d.start(t)
	d.run(t, "remote", "add", "share", ":local:"+share, "--notify", notify)
	d.run(t, "sync", "share")
	eventually(t, name+" is on the channel", func() bool { return !missed(t, d) })
	return d
}

// missed tells whether the device's channel does not work.
func missed(t *testing.T, d *device) bool {
	t.Helper()
	var status struct{ Problems []struct{ Name string } }
	d.get(t, "/v1/status", &status)
	return slices.ContainsFunc(status.Problems, func(p struct{ Name string }) bool { return p.Name == "notify-unreachable" })
}

var foldedCount = regexp.MustCompile(`setlogger_messages_total\{outcome="folded",remote="share"\} (\d+)`)

// folded counts the messages that a device took in.
func folded(t *testing.T, d *device) int {
	t.Helper()
	text, err := d.call(t.Context(), http.MethodGet, "/metrics", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	match := foldedCount.FindSubmatch(text)
	if match == nil {
		return 0
	}
	n, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// arrivals is when a subscriber was told of each node.
type arrivals struct {
	mu   sync.Mutex
	at   map[string]time.Time
	came chan struct{} // closed and made anew with each
}

// of answers when a node was told of, or what closes when another is.
func (a *arrivals) of(id string) (time.Time, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.at[id]; ok {
		return at, nil
	}
	return time.Time{}, a.came
}

// take notes which nodes were told of.
func (a *arrivals) take(ids []string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if _, known := a.at[id]; !known {
			a.at[id] = now
		}
	}
	close(a.came)
	a.came = make(chan struct{})
}

// follow subscribes to the bucket until it is stopped.
func (a *arrivals) follow(t *testing.T, d *device) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	socket, err := d.subscribe(ctx, d.client, "x", "")
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			_, data, err := socket.Read(ctx)
			now := time.Now()
			var event struct{ Nodes []struct{ ID string } }
			if err == nil {
				err = json.Unmarshal(data, &event)
			}
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("the subscriber: %v", err)
				}
				return
			}
			var ids []string
			for _, n := range event.Nodes {
				ids = append(ids, n.ID)
			}
			a.take(ids, now)
		}
	})
	return func() { cancel(); reading.Wait(); _ = socket.CloseNow() }
}

// channelLoad appends, and knows when.
type channelLoad struct {
	*acknowledged

	arrivals arrivals
	mu       sync.Mutex
	begun    []time.Time // by number of the node
	count    atomic.Int64
}

// one appends one node.
func (l *channelLoad) one(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	l.begun = append(l.begun, time.Now())
	l.mu.Unlock()
	if err := l.add(t); err != nil {
		t.Errorf("an append: %v", err)
		return
	}
	l.count.Add(1)
}

// started is the number of the next node.
func (l *channelLoad) started() int { return int(l.count.Load()) }

// await waits until the subscriber was told of a node.
func (l *channelLoad) await(t *testing.T, number int) {
	t.Helper()
	ended := time.After(patience)
	for {
		_, another := l.arrivals.of(fmt.Sprint(l.prefix, number))
		if another == nil {
			return
		}
		select {
		case <-another:
		case <-ended:
			t.Fatalf("node %d: not in %v", number, patience)
		}
	}
}

// took is the time from the append to the subscriber, of a node that it was told of.
func (l *channelLoad) took(number int) time.Duration {
	at, _ := l.arrivals.of(fmt.Sprint(l.prefix, number))
	l.mu.Lock()
	defer l.mu.Unlock()
	return at.Sub(l.begun[number]).Round(10 * time.Microsecond)
}

// each appends one after the other as they arrive, after a pause, and answers their median.
func (l *channelLoad) each(t *testing.T, n int, pause time.Duration) time.Duration {
	t.Helper()
	var all []time.Duration
	for range n {
		time.Sleep(pause) // the pace is what is measured
		number := l.started()
		l.one(t)
		l.await(t, number)
		all = append(all, l.took(number))
	}
	return median(all)
}

// during appends every 20 ms while something else goes on.
func (l *channelLoad) during(t *testing.T, what func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var appending sync.WaitGroup
	appending.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			l.one(t)
		}
	})
	defer appending.Wait()
	defer stop()
	what()
}

// withoutBroker kills the broker under load, and starts it again.
func (l *channelLoad) withoutBroker(t *testing.T, b *brokers.Broker, writer, reader *device) {
	t.Helper()
	b.Kill()
	down := time.Now()
	l.during(t, func() {
		eventually(t, "the broker is missed", func() bool { return missed(t, writer) && missed(t, reader) })
		first := l.started()
		l.await(t, first)
		t.Logf("broker killed: what was appended then came after %v, by polls", l.took(first))
		if soak() {
			for time.Since(down) < time.Minute { // the load goes on
				l.await(t, l.started())
			}
		}
		b.Start(t)
		eventually(t, "the channel works again", func() bool { return !missed(t, writer) && !missed(t, reader) })
		before := folded(t, reader)
		eventually(t, "messages carry again", func() bool { return folded(t, reader) > before+5 })
	})
	l.await(t, l.started()-1)
	t.Logf("broker away for %v; after it: median %v", time.Since(down).Round(time.Second), l.each(t, 50, 0))
}

// flush is the median time that the disk of the devices takes to store a page for good.
func flush(t *testing.T) time.Duration {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	var all []time.Duration
	for range 50 {
		began := time.Now()
		_, err := f.WriteAt(page, 0)
		if err = errors.Join(err, f.Sync()); err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	return median(all)
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ended := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s: not in %v", what, patience)
		}
	}
}
