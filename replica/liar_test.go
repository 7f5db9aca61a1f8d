package replica_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// replace puts an index there that says it replaces others and covers all that a device has, and holds as many nodes of its own.
func (d *device) replace(share remote.Storage, nodes int, coverage setlog.Coverage, merges ...setlog.Hash) {
	d.t.Helper()
	lie := setlog.Index{
		ID: strings.Repeat("7", 32), Bucket: "todos", Births: d.bucket.Births(), Coverage: coverage, Order: []string{"-created", "id"}, Merges: merges,
	}
	chunk := setlog.Chunk{Bucket: "todos", Index: lie.ID}
	some, err := d.bucket.Nodes("", "", 1)
	if err != nil || len(some) == 0 {
		d.t.Fatal(len(some), err)
	}
	for i := range nodes {
		chunk.Lines = append(chunk.Lines, some[0].Node.AppendDelta(nil, fmt.Sprintf("z%03d", i)))
	}
	data, err := chunk.Encode()
	if err != nil {
		d.t.Fatal(err)
	}
	ref := setlog.ChunkRef{Bytes: len(data), Nodes: nodes, Hash: setlog.HashOf(data)}
	lie.Chunks = append(lie.Chunks, ref)
	put(d.t, share, "chunk/"+lie.Name(ref).String(), string(data))
	name, data, err := lie.Encode(ed25519.NewKeyFromSeed([]byte(strings.Repeat("7", 32))))
	if err != nil {
		d.t.Fatal(err)
	}
	put(d.t, share, "index/"+name.String(), string(data))
}

func coverageOf(t *testing.T, d *device) setlog.Coverage {
	t.Helper()
	coverage, err := d.bucket.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	return coverage
}

// TestIndexBehindALie has a device that finds a lie take in what that one said it replaces, before it says so itself.
func TestIndexBehindALie(t *testing.T) {
	share := memory.New()
	w, d := newDevice(t, share, false), newDevice(t, share, true)
	w.forgetful()
	w.witness(share, 1)
	d.witness(share, 2)
	rounds(3, w, d)
	d.create("own")
	rounds(2, d, w)
	w.create("gold")
	w.share.Compact("todos")
	w.now = w.now.Add(11 * time.Minute)
	rounds(2, w)
	indexes := names(t, share, "index")
	if len(indexes) != 1 {
		t.Fatal(indexes)
	}
	name, _ := setlog.ParseIndexName(strings.TrimPrefix(indexes[0], "index/"))
	for _, folder := range []string{"log", "past"} {
		for _, file := range names(t, share, folder) {
			if !strings.HasPrefix(file, "log/seen.") {
				steal(t, share, file)
			}
		}
	}
	d.create("later")
	d.sync()
	coverage := setlog.Union(coverageOf(t, w), coverageOf(t, d))
	d.replace(share, 9, coverage, name.Hash)
	for range 8 {
		d.now = d.now.Add(25 * time.Hour)
		rounds(2, d)
	}
	d.expect("gold", `{"n":0}`)
	n := newDevice(t, share, true)
	rounds(6, n)
	n.expect("gold", `{"n":0}`)
}

// TestFileThatALieCovers is sent again when it vanishes.
func TestFileThatALieCovers(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.forgetful()
	a.witness(share, 1)
	a.create("x")
	rounds(4, a)
	a.lie(share, 3)
	for range 4 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	forget(t, share, "log")
	forget(t, share, "past")
	for _, name := range names(t, share, "index") {
		data, err := share.Read(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		if index, err := setlog.DecodeIndex(data); err != nil || len(index.Chunks) > 0 {
			steal(t, share, name)
		}
	}
	for range 4 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	b := newDevice(t, share, true)
	rounds(6, b)
	b.expect("x", `{"n":0}`)
}
