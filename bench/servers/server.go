package main

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/setlogger/setlogger/api"
)

// Names under which figures are printed.
const (
	own     = "setlogger"
	redis   = "redis"
	pocket  = "pocketbase"
	durable = "pocketbase-full"
	pouch   = "pouchdb-server"
	bare    = "bare"
)

// server is one that is measured. A set is a bucket, a database, a collection, or a prefix of keys; each holds nodes
// that are numbered from 0.
type server struct {
	name    string
	address string
	write   func(set string, i int) []byte // makes the node i
	read    func(set string, i int) []byte
	reply   func(*bufio.Reader) error
	process int
	target  float64      // of S1, times what this one writes
	begun   atomic.Int64 // nodes of S1 so far
}

// servers are all of a run.
type servers struct {
	client *api.Client // of the daemon
	header string      // with which its calls come
	own    *server
	peers  []*server
	bare   *server          // its sets are paths, each with one body
	pages  map[int][][]byte // requests for pages of the bucket of so many nodes
}

// peerNodes is up to how many nodes the others are read with.
const peerNodes = 10_000

// written is the set of S1.
const written = "written"

// id is of 15 letters, as PocketBase wants it.
func id(i int) string { return fmt.Sprintf("%015d", i) }

// properties are those of the node i, the members of an object.
func properties(i int) string {
	return fmt.Sprintf(`"name":"City %d","country":"DE","population":%d,"note":"a place like others"`, i, 7*i)
}

// action makes the node i: what Redis stores, too.
func action(i int) string {
	return fmt.Sprintf(`{"type":"CREATE_NODE","id":"%s","properties":{%s}}`, id(i), properties(i))
}

// setOf names the set of a size.
func setOf(nodes int) string { return fmt.Sprintf("n%d", nodes) }

// sizes are a thousand nodes and each ten times as many, up to a bound.
func sizes(most int) []int {
	var all []int
	for nodes := 1000; nodes <= most; nodes *= 10 {
		all = append(all, nodes)
	}
	return all
}

// peerSets are the sets that a peer needs.
func peerSets(o options) []string {
	sets := []string{written}
	for _, nodes := range sizes(min(o.nodes, peerNodes)) {
		sets = append(sets, setOf(nodes))
	}
	return sets
}

// open starts all servers.
func (y *yard) open(ctx context.Context, o options) (*servers, error) {
	all := &servers{}
	if err := y.openOwn(ctx, all, o); err != nil {
		return nil, err
	}
	program := sync.OnceValues(func() (string, error) { return y.build(ctx, "bench/servers/pocketbase", ".", pocket) })
	for _, peer := range []struct {
		name   string
		target float64
		open   func() (*server, error)
	}{
		{redis, ofRedis, func() (*server, error) { return y.openRedis(ctx) }},
		{pocket, ofPocket, func() (*server, error) { return y.openPocket(ctx, pocket, program, peerSets(o)...) }},
		{durable, ofPocket, func() (*server, error) {
			return y.openPocket(ctx, durable, program, append([]string{"-full"}, peerSets(o)...)...)
		}},
		{pouch, ofPouch, func() (*server, error) { return y.openPouch(ctx, peerSets(o)) }},
	} {
		if o.beside != "" && o.beside != peer.name {
			continue
		}
		opened, err := peer.open()
		if err != nil {
			return nil, err
		}
		opened.target = peer.target
		all.peers = append(all.peers, opened)
	}
	var err error
	all.bare, err = y.openBare(ctx)
	return all, err
}
