package localstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// keyCase is a case of testdata/vectors/keys.json: what an append remembers, and what it depends on.
type keyCase struct {
	Name  string
	Steps []keyStep
	State map[string]struct {
		Nodes map[string]struct {
			Rev   string
			Value json.RawMessage
		}
	}
}

type keyStep struct {
	Device, From, Key, Match string
	Now                      int64
	Send                     json.RawMessage
	Expect                   struct {
		Repeats *int
		Refused string
		Number  json.RawMessage
	}
}

// TestKeyVectors runs the cases of keys.json against stores.
func TestKeyVectors(t *testing.T) {
	data, err := os.ReadFile("../testdata/vectors/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []keyCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.run(t) })
	}
}

// keyDevices are the stores of a case, each with a clock of its own.
type keyDevices struct {
	t       *testing.T
	buckets map[string]*Bucket
	now     map[string]*time.Time
}

// at answers a device's store. The first one makes the bucket.
func (d *keyDevices) at(name string) *Bucket {
	if d.buckets[name] == nil {
		var births []string
		for _, other := range d.buckets {
			births = other.Births()
		}
		now := time.UnixMilli(1)
		d.now[name] = &now
		o := testOptions(byte(len(d.buckets) + 1))
		o.Now = func() time.Time { return now }
		d.buckets[name] = create(d.t, "vectors", births, o)
	}
	return d.buckets[name]
}

func (c keyCase) run(t *testing.T) {
	d := &keyDevices{t, map[string]*Bucket{}, map[string]*time.Time{}}
	answers := make([]Receipt, len(c.Steps))
	for i, s := range c.Steps {
		b := d.at(s.Device)
		if s.From != "" {
			foldIn(t, b, sealed(t, d.at(s.From))...)
			continue
		}
		*d.now[s.Device] = time.UnixMilli(s.Now)
		var err error
		if answers[i], err = s.send(b); err != nil || s.Expect.Refused != "" {
			s.checkRefusal(t, i, err)
			continue
		}
		s.check(t, i, answers)
	}
	for name, want := range c.State {
		for id, node := range want.Nodes {
			got, err := d.at(name).Node(id)
			if err != nil {
				t.Fatal(err)
			}
			value := got.Value()
			if value == nil {
				value = []byte("null")
			}
			canonical, err := setlog.Canonical(bytes.Clone(node.Value))
			if err != nil || !bytes.Equal(value, canonical) || got.Rev() != node.Rev {
				t.Errorf("device %s: node %s is %s %s, want %s %s", name, id, got.Rev(), value, node.Rev, canonical)
			}
		}
	}
}

func (s keyStep) send(b *Bucket) (Receipt, error) {
	actions, err := setlog.ParseActions(bytes.Clone(s.Send))
	if err != nil {
		return Receipt{}, err
	}
	body, err := setlog.Canonical(bytes.Clone(s.Send)) // the same body, however the file sets it
	if err != nil {
		return Receipt{}, err
	}
	receipts, err := b.Append(context.Background(), Request{Actions: actions, Key: s.Key, IfMatch: s.Match, Body: sha256.Sum256(body)})
	if err != nil {
		return Receipt{}, err
	}
	return receipts[0], nil
}

func (s keyStep) checkRefusal(t *testing.T, i int, err error) {
	t.Helper()
	got := fmt.Sprint(err)
	var refusal *setlog.Refusal
	switch {
	case errors.Is(err, ErrKeyReused):
		got = "reused"
	case errors.Is(err, ErrMatch):
		got = "match"
	case errors.As(err, &refusal):
		got = map[setlog.RefusalKind]string{setlog.Invalid: "invalid", setlog.NotAlive: "not-alive", setlog.TooLarge: "too-large"}[refusal.Kind]
	}
	if got != s.Expect.Refused {
		t.Errorf("step %d is refused as %q, want %q", i, got, s.Expect.Refused)
	}
}

func (s keyStep) check(t *testing.T, i int, answers []Receipt) {
	t.Helper()
	got := answers[i]
	if r := s.Expect.Repeats; r != nil && (!got.Repeated || got.Number != answers[*r].Number || got.Stamp != answers[*r].Stamp || got.Writer != answers[*r].Writer) {
		t.Errorf("step %d answers %+v, step %d answered %+v", i, got, *r, answers[*r])
	}
	if s.Expect.Repeats == nil && got.Repeated {
		t.Errorf("step %d repeats an answer", i)
	}
	if want := string(s.Expect.Number); want != "" && want != fmt.Sprint(got.Number) && (want != "null" || got.Number != 0) {
		t.Errorf("step %d has number %d, want %s", i, got.Number, want)
	}
}
