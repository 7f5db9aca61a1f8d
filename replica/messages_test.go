package replica_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// teller makes messages of what a device appends.
type teller struct {
	*device

	after localstore.Excerpt
}

// tell makes the message of what was appended since the last one.
func (a *teller) tell() []byte {
	a.t.Helper()
	e, err := a.bucket.Excerpt(a.after, 1<<20)
	if err != nil || e.Data == nil {
		a.t.Fatalf("no message: %+v, %v", e, err)
	}
	a.after = e
	return e.Data
}

// tellEach appends and makes a message of each entry.
func (a *teller) tellEach(n int) [][]byte {
	a.t.Helper()
	var all [][]byte
	for i := range n {
		a.create(fmt.Sprint("m", i))
		all = append(all, a.tell())
	}
	return all
}

func (d *device) offer(message []byte) (int, error) {
	return d.share.Offer(context.Background(), func(string) *localstore.Bucket { return d.bucket }, message)
}

// told makes two devices, of which the second hears of what the first appends by messages alone.
func told(t *testing.T) (*teller, *device) {
	t.Helper()
	return toldOver(t, memory.New())
}

func toldOver(t *testing.T, share remote.Storage) (*teller, *device) {
	t.Helper()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b)
	return &teller{device: a}, b
}

func TestMessagesFoldWithoutARound(t *testing.T) {
	a, b := told(t)
	for i, m := range a.tellEach(3) {
		if n, err := b.offer(m); n != 1 || err != nil {
			t.Errorf("message %d: %d entries, %v", i, n, err)
		}
	}
	agree(t, a.device, b)
	rounds(2, a.device, b)
	if r := b.sync(); r.Moved() {
		t.Errorf("there was more to do: %+v", r)
	}
	if held := b.held(); len(held) != 4 {
		t.Errorf("%d entries", len(held))
	}
}

func TestMessagesLostDoubledReordered(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		a, b := told(t)
		all := a.tellEach(12)
		lost := chance.IntN(len(all))
		all = slices.Delete(all, lost, lost+1)
		all = append(all, all[:6]...)
		chance.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, m := range all {
			if _, err := b.offer(m); err != nil && !errors.Is(err, replica.ErrEarly) {
				t.Fatal(err)
			}
		}
		if held := b.held(); len(held) != lost+1 { // those before the lost one, and x
			t.Errorf("%d entries, the message of entry %d was lost", len(held), lost+2)
		}
		rounds(2, a.device, b)
		agree(t, a.device, b)
		if held := b.held(); len(held) != 13 {
			t.Errorf("%d entries after a poll", len(held))
		}
	}
}

// inflated is what gzip makes of a message; nil of one that it refuses.
func inflated(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return text
}

func TestMessagesForged(t *testing.T) {
	a, b := told(t)
	m := a.tellEach(1)[0]
	before := b.state()
	for i := range m {
		bad := bytes.Clone(m)
		bad[i] ^= 0x10
		if bytes.Equal(inflated(t, bad), inflated(t, m)) { // gzip has some bits that say nothing
			continue
		}
		if n, err := b.offer(bad); n != 0 || err == nil {
			t.Errorf("byte %d was changed: %d entries, %v", i, n, err)
		}
	}
	var bomb bytes.Buffer
	w, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, setlog.MaxFile+1)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"empty": nil, "noise": []byte("noise"), "bomb": bomb.Bytes(), "cut": m[:len(m)/2]} {
		if n, err := b.offer(bad); n != 0 || !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %d entries, %v", name, n, err)
		}
	}
	if !bytes.Equal(before, b.state()) {
		t.Error("something was folded")
	}
	if n, err := b.offer(m); n != 1 || err != nil {
		t.Errorf("the true one: %d, %v", n, err)
	}
}

func TestMessagesOfOtherBuckets(t *testing.T) {
	a, b := told(t)
	m := a.tellEach(1)[0]
	if _, err := b.share.Offer(t.Context(), func(string) *localstore.Bucket { return nil }, m); !errors.Is(err, replica.ErrNotHeld) {
		t.Errorf("a bucket that is not here: %v", err)
	}
	apart := newDevice(t, memory.New(), false) // of another birth
	if n, err := apart.offer(m); n != 0 || !errors.Is(err, localstore.ErrOtherBirth) {
		t.Errorf("a bucket made apart: %d, %v", n, err)
	}
	joined := newDevice(t, memory.New(), true)
	if n, err := joined.offer(m); n != 0 || !errors.Is(err, replica.ErrNotHeld) {
		t.Errorf("a bucket that was joined and has nothing yet: %d, %v", n, err)
	}
}

// TestMessagesAreRelayed has a device die that told others and sent nothing to the remote.
func TestMessagesAreRelayed(t *testing.T) {
	share := memory.New()
	a, b, c := newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b, c)
	for _, m := range (&teller{device: a}).tellEach(3) {
		if _, err := b.offer(m); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 { // it may yet come
		b.sync()
	}
	if all := names(t, share, "log"); len(all) != 1 {
		t.Fatalf("log/ has %v", all)
	}
	b.now = b.now.Add(2 * time.Minute)
	rounds(8, b, c)
	agree(t, a, b, c)
	a.create("y") // it was alive after all
	rounds(8, a, b, c)
	agree(t, a, b, c)
	if held := c.held(); len(held) != 5 {
		t.Errorf("%d entries", len(held))
	}
}

// TestMessagesOfADeviceThatWasSetBack has a device tell of an entry, be set back to before it, and write another of its number.
func TestMessagesOfADeviceThatWasSetBack(t *testing.T) {
	share := memory.New()
	a, b := toldOver(t, share)
	before := a.stored()
	a.create("once")
	if n, err := b.offer(a.tell()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	a.setBack(share, before)
	a.now = a.now.Add(time.Second)
	a.create("again")
	if n, err := b.offer((&teller{device: a.device}).tell()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.named("log-forked", 1)
	rounds(4, a.device, b)
	b.now = b.now.Add(2 * time.Minute)
	rounds(8, b, a.device)
	for _, d := range []*device{a.device, b} {
		for _, id := range []string{"once", "again"} {
			d.expect(id, `{"n":0}`)
		}
	}
	agree(t, a.device, b)
}

// noise is text that no packing makes smaller than half.
func noise(seed int) string {
	chance := rand.NewChaCha8([32]byte{byte(seed)})
	bytes := make([]byte, 500_000)
	_, _ = chance.Read(bytes) // never fails
	return hex.EncodeToString(bytes)
}

func TestEarlyMessagesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("its large messages take the race detector most of a minute")
	}
	a, b := told(t)
	first, size, early := a.tellEach(1)[0], 0, 0
	for i := range 12 { // of some 500 kB each
		a.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"l%d","properties":{"x":%q}}`, i, noise(i)))
		m := a.tell()
		if _, err := b.offer(m); !errors.Is(err, replica.ErrEarly) {
			t.Fatal(err)
		}
		if size += len(m); size <= 4<<20 {
			early++
		}
	}
	if early == 0 || early == 12 {
		t.Fatalf("%d of 12 messages have room", early)
	}
	if n, err := b.offer(first); n != 1+early || err != nil {
		t.Errorf("%d entries, %v; %d messages had room", n, err, early)
	}
	rounds(2, a.device, b)
	agree(t, a.device, b)
}

// TestMessagesOfABucketThatWasLeft has a bucket left, of which log/ lacks what a message brought, and one made apart under its name.
func TestMessagesOfABucketThatWasLeft(t *testing.T) {
	share := memory.New()
	a, b := toldOver(t, share)
	if n, err := b.offer(a.tellEach(1)[0]); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	apart, err := localstore.Create(filepath.Join(t.TempDir(), "apart.db"), "todos", nil, b.options())
	if err != nil {
		t.Fatal(err)
	}
	b.hold(apart)
	b.create("y")
	b.now = b.now.Add(2 * time.Minute)
	rounds(4, b)
	if all := names(t, share, "log"); len(all) != 2 {
		t.Errorf("log/ has %v", all)
	}
	b.now = b.now.Add(2 * time.Minute)
	if _, err := b.share.Sync(t.Context(), []*localstore.Bucket{apart}); err != nil {
		t.Error(err)
	}
}

// TestToldOfByADeviceThatDied has a device hear of an entry, and start anew; who told it is gone.
func TestToldOfByADeviceThatDied(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b)
	message := (&teller{device: a}).tellEach(1)[0]
	if n, err := b.offer(message); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	b.witness(share, 2) // starts anew
	c := newDevice(t, share, true)
	c.witness(share, 3)
	for range 12 {
		b.now, c.now = b.now.Add(time.Hour), c.now.Add(time.Hour)
		rounds(2, b, c)
	}
	agree(t, b, c)
}
