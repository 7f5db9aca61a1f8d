package replica_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

const viewFile = "view/" // the folder of the bucket's

// publisher is a device that keeps views, and indexes after few entries.
func publisher(t *testing.T, share remote.Storage, joins bool, seed byte) *device {
	t.Helper()
	d := newDevice(t, share, joins)
	d.collector(share, seed, 10)
	return d
}

const published = `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"publish":true,"order":["n","id"]}}}`

// viewOf reads the view of the devices' bucket; nil when there is none.
func viewOf(t *testing.T, share remote.Storage) *setlog.View {
	t.Helper()
	data, err := share.Read(context.Background(), viewFile+setlog.ViewName("todos"))
	if err != nil {
		return nil
	}
	view, err := setlog.DecodeView(data)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// reader is a device that has nothing of a share but what its view names.
func reader(t *testing.T, share remote.Storage, view *setlog.View) *device {
	t.Helper()
	named := memory.New()
	keep := func(name string) []byte {
		data, err := share.Read(context.Background(), name)
		if err != nil {
			t.Fatalf("the view names %s: %v", name, err)
		}
		if err := named.Write(context.Background(), name, data); err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, name := range slices.Concat(names(t, share, ""), view.Tail) {
		keep(name)
	}
	for _, name := range names(t, share, "log") {
		if strings.HasPrefix(name, "log/seen.") { // they tell a device, which lists, that there is more than log/ shows
			keep(name)
		}
	}
	for _, i := range view.Indexes {
		data := keep("index/" + i.Name)
		index, err := setlog.DecodeIndex(data)
		if err != nil || len(data) != i.Bytes {
			t.Fatalf("%s has %d bytes: %+v, %v", i.Name, len(data), i, err)
		}
		for _, chunk := range index.Chunks {
			keep("chunk/" + index.Name(chunk).String())
		}
	}
	d := newDevice(t, named, true)
	rounds(4, d)
	return d
}

// expectView checks that the view gives all that a device has, and begins as its order does.
func expectView(t *testing.T, share remote.Storage, d *device) *setlog.View {
	t.Helper()
	view := viewOf(t, share)
	if view == nil {
		t.Fatal("there is no view")
	}
	agree(t, d, reader(t, share, view))
	first, _, err := d.bucket.Ordered(d.bucket.Order(), nil, nil, len(view.Top))
	if err != nil || view.Nodes != d.bucket.Stats().Nodes || len(first) != len(view.Top) || len(first) == 0 {
		t.Fatalf("%d nodes in the top, %d in all, %v", len(view.Top), view.Nodes, err)
	}
	for i, n := range first {
		if !bytes.Equal(n.Node.AppendDelta(nil, n.ID), view.Top[i]) {
			t.Errorf("line %d of the top is %s", i, view.Top[i])
		}
	}
	return view
}

func TestPublish(t *testing.T) {
	share := memory.New()
	a, b := publisher(t, share, false, 1), publisher(t, share, true, 2)
	a.act(published)
	for i := range 60 {
		a.create(fmt.Sprintf("n%02d", i))
		a.sync()
	}
	rounds(6, a, b)
	expectView(t, share, a)
	b.act(`{"type":"DELETE_NODE","id":"n07"}`, `{"type":"SET_PROPERTY","id":"n08","property":"n","value":-1}`)
	rounds(6, b, a)
	view := expectView(t, share, b)
	if len(view.Tail) == 0 || len(view.Indexes) == 0 {
		t.Errorf("the view has %d indexes and a tail of %d", len(view.Indexes), len(view.Tail))
	}
	a.now, b.now = a.now.Add(time.Hour), b.now.Add(time.Hour) // files move to past/
	rounds(12, a, b)
	expectView(t, share, a)
	count := viewOf(t, share).Count
	rounds(5, a, b)
	if now := viewOf(t, share); now.Count != count {
		t.Error("a view was written with nothing new")
	}
	a.act(`{"type":"SET_SCHEMA","schema":{}}`)
	rounds(6, a, b)
	if viewOf(t, share) != nil {
		t.Error("the view stays though none is wanted")
	}
}

// TestPublishManySegments indexes before a view names too many.
func TestPublishManySegments(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	for i := range 300 {
		a.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%03d","properties":{"n":%d}}`, i, i))
		rounds(1, a)
		a.now = a.now.Add(time.Second)
	}
	a.act(published)
	rounds(12, a)
	if view := expectView(t, share, a); len(view.Tail) > 256 {
		t.Errorf("it names %d segments", len(view.Tail))
	}
}

// TestPublishUnderFaults: whatever fails, the view is right once the remote is well again.
func TestPublishUnderFaults(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.Cut, faulty.WrittenZeros, faulty.LostAnswer, faulty.BrokenUpload, faulty.Lag} {
		t.Run(fault.String(), func(t *testing.T) {
			share := faulty.New(memory.New(), faulty.Options{Seed: 11, Chance: map[faulty.Fault]float64{fault: 0.3}})
			a, b := publisher(t, share, false, 1), publisher(t, share, true, 2)
			a.act(published)
			for i := range 40 {
				d := []*device{a, b}[i%2]
				_, _ = a.trySync()
				_, _ = b.trySync()
				if len(d.bucket.Births()) > 0 {
					d.create(fmt.Sprint(i))
				}
			}
			share.Heal()
			rounds(20, a, b)
			agree(t, a, b)
			expectView(t, share, a)
		})
	}
}

// restDays lets a device be idle for three days, in which it looks for needless files.
func restDays(d *device) {
	for range 6 {
		d.now = d.now.Add(12 * time.Hour)
		rounds(4, d)
	}
}

// TestViewOfAnIndexThatWent lets an index be removed that a view names.
func TestViewOfAnIndexThatWent(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	a.act(published)
	for i := range 20 {
		a.create(fmt.Sprint(i))
	}
	a.share.Compact("todos")
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	expectView(t, share, a)
	forget(t, share, "index")
	restDays(a)
	expectView(t, share, a)
}

// TestViewThatWent lets the view itself be removed.
func TestViewThatWent(t *testing.T) {
	share := memory.New()
	a := publisher(t, share, false, 1)
	a.act(published)
	a.create("x")
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	expectView(t, share, a)
	steal(t, share, viewFile+setlog.ViewName("todos"))
	restDays(a)
	expectView(t, share, a)
}

// TestViewsCountUp has two devices write views in turn: of two of one device the higher is the newer.
func TestViewsCountUp(t *testing.T) {
	share := memory.New()
	a, b := publisher(t, share, false, 1), publisher(t, share, true, 2)
	a.act(published)
	rounds(6, a, b)
	last := map[setlog.Writer]*setlog.View{}
	for i := range 8 {
		d := []*device{a, b}[i%2]
		d.create(fmt.Sprint(i))
		rounds(4, d)
		view := viewOf(t, share)
		if before := last[view.Device]; before != nil && view.Time > before.Time && view.Count <= before.Count {
			t.Errorf("view %d of a device after its %d", view.Count, before.Count)
		}
		last[view.Device] = view
	}
}

// TestViewOnAnotherShare leaves the view of a share alone that stands where another one was.
func TestViewOnAnotherShare(t *testing.T) {
	share := memory.New()
	kept := &refusing{Storage: share}
	a := newDevice(t, kept, false)
	a.collector(kept, 1, 10)
	a.act(published)
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	kept.remove = func(name string) error {
		if strings.HasPrefix(name, viewFile) {
			return remote.ErrUnreachable
		}
		return nil
	}
	a.act(`{"type":"SET_SCHEMA","schema":{}}`)
	for range 4 {
		_, _ = a.trySync()
	}
	a.now = a.now.Add(time.Hour)
	for range 6 {
		_, _ = a.trySync()
	}
	kept.remove = nil
	steal(t, share, "share."+a.share.ID()+".json")
	other := strings.Repeat("f", 32)
	put(t, share, "share."+other+".json", `{"created":"2026-01-01T00:00:00Z","format":1,"kind":"share","min_reader":1,"share":"`+other+`"}`)
	for range 4 {
		_, _ = a.trySync()
	}
	if viewOf(t, share) == nil {
		t.Error("the view of another share was removed")
	}
}

// TestLieThatAViewFinds has a device find a lie while it makes a view: what that covers is written at once all the same.
func TestLieThatAViewFinds(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	a.act(published)
	a.create("x")
	rounds(4, a)
	a.lie(share, 3)
	a.create("y") // so that the view is looked at
	rounds(8, a)
	if n := len(names(t, share, "index")); n < 2 {
		t.Errorf("%d indexes, the lie among them", n)
	}
	expectView(t, share, a)
}
