package endtoend

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// export is what a device exports of a bucket.
func (d *device) export(t testing.TB, bucket string) []byte {
	t.Helper()
	return d.run(t, "export", bucket)
}

// digest is "COUNT SHA256" of an export, as testdata/cities/expected.js prints it. Lines with the prefix are left out.
func digest(export []byte, without string) string {
	hash := sha256.New()
	count := 0
	for line := range bytes.Lines(export) {
		if without == "" || !bytes.Contains(line, []byte(without)) {
			hash.Write(line)
			count++
		}
	}
	return fmt.Sprintf("%d %s", count, hex.EncodeToString(hash.Sum(nil)))
}

// settle waits until the devices have the same and nothing pending: all entries, or, where some of them came by an index and are
// in no log, all nodes. Then it answers what all of them export.
func settle(t testing.TB, bucket string, devices ...*device) (export []byte) {
	t.Helper()
	ended := time.Now().Add(patience)
	for {
		var states []string
		for _, d := range devices {
			if err := d.sync(t.Context()); err != nil {
				states = append(states, err.Error())
			}
		}
		var all []bucketStatus
		pending := uint64(0)
		for _, d := range devices {
			b := d.status(t, bucket)
			all = append(all, b)
			pending += b.Pending
			states = append(states, fmt.Sprintf("%s: %d entries, %d pending, %d nodes", d.name, b.Entries, b.Pending, b.Nodes))
		}
		if pending == 0 && sameEntries(all) {
			return nil
		}
		if same := sameNodes(t, bucket, all, devices); same != nil {
			return same
		}
		if time.Now().After(ended) {
			t.Fatalf("no agreement in %v: %v", patience, states)
		}
	}
}

func sameEntries(all []bucketStatus) bool {
	return !slices.ContainsFunc(all, func(b bucketStatus) bool { return b.Entries != all[0].Entries })
}

// sameNodes answers what all devices export; nil while that is not the same.
func sameNodes(t testing.TB, bucket string, all []bucketStatus, devices []*device) []byte {
	t.Helper()
	if slices.ContainsFunc(all, func(b bucketStatus) bool { return b.Nodes == 0 || b.Nodes != all[0].Nodes || b.Pending > 0 }) {
		return nil
	}
	first := devices[0].export(t, bucket)
	if slices.ContainsFunc(devices[1:], func(d *device) bool { return !bytes.Equal(d.export(t, bucket), first) }) {
		return nil
	}
	return first
}

// agree settles the devices and checks that they export the same, which it answers.
func agree(t testing.TB, bucket string, devices ...*device) []byte {
	t.Helper()
	if same := settle(t, bucket, devices...); same != nil {
		return same
	}
	first := devices[0].export(t, bucket)
	for _, d := range devices[1:] {
		if other := d.export(t, bucket); !bytes.Equal(first, other) {
			t.Fatalf("%s exports %s, %s exports %s; first difference:\n%s", devices[0].name, digest(first, ""), d.name, digest(other, ""), difference(first, other))
		}
	}
	return first
}

// difference is the first line that differs.
func difference(a, b []byte) string {
	other := bytes.Split(b, []byte("\n"))
	for i, line := range bytes.Split(a, []byte("\n")) {
		if i >= len(other) || !bytes.Equal(line, other[i]) {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, line, other[min(i, len(other)-1)])
		}
	}
	return fmt.Sprintf("one has %d lines more", len(other)-bytes.Count(a, []byte("\n")))
}

// acknowledged remembers nodes whose creation a device has acknowledged.
type acknowledged struct {
	device *device
	bucket string
	prefix string
	ids    []string
}

// add creates one node; an error means that it was not acknowledged.
func (a *acknowledged) add(t testing.TB) error {
	t.Helper()
	id := fmt.Sprintf("%s%d", a.prefix, len(a.ids))
	_, err := a.device.appendOne(t.Context(), a.bucket, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"acknowledged":true}}`, id))
	if err == nil {
		a.ids = append(a.ids, id)
	}
	return err
}

// check fails the test for each acknowledged node that the device does not have.
func (a *acknowledged) check(t testing.TB, d *device) {
	t.Helper()
	for _, id := range a.ids {
		if !d.hasNode(t, a.bucket, id) {
			t.Errorf("LOST: %s was acknowledged and %s does not have it", id, d.name)
		}
	}
}

// missing answers the acknowledged nodes that are not in what a device exports.
func (a *acknowledged) missing(t testing.TB, export []byte) (ids []string) {
	t.Helper()
	there := map[string]bool{}
	for line := range bytes.Lines(export) {
		var node struct{ ID string }
		if err := json.Unmarshal(line, &node); err != nil {
			t.Fatal(err)
		}
		there[node.ID] = true
	}
	for _, id := range a.ids {
		if !there[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
