package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/setlogger/setlogger/api"
)

// What a round reads of each set, and before that without a clock.
const (
	nodeReads = 2000
	pageReads = 500
	warmReads = 50
	pageSize  = 50
)

// fill makes the sets that are read. All that the daemon syncs is done before.
func fill(ctx context.Context, all *servers, o options) error {
	for _, s := range all.peers {
		for _, nodes := range sizes(min(o.nodes, peerNodes)) {
			var begun atomic.Int64
			_, err := write(ctx, s, setOf(nodes), func() (int, bool) {
				i := int(begun.Add(1)) - 1
				return i, i < nodes
			})
			if err != nil {
				return err
			}
		}
	}
	for _, nodes := range sizes(o.nodes) {
		if err := all.fillOwn(ctx, nodes); err != nil {
			return err
		}
	}
	_, err := all.client.Sync(ctx, "")
	return err
}

// fillOwn makes a bucket, finds places all over its order, and gives the bare handler what the bucket answers.
func (all *servers) fillOwn(ctx context.Context, nodes int) error {
	set := setOf(nodes)
	if _, err := all.client.CreateBucket(ctx, api.Bucket{Name: set}); err != nil {
		return err
	}
	lines, out := io.Pipe()
	go func() {
		w := bufio.NewWriter(out)
		for i := range nodes {
			_, _ = w.WriteString(action(i) + "\n") // Flush answers its error
		}
		_ = out.CloseWithError(w.Flush()) // answers nil always
	}()
	_, err := all.client.AppendMany(ctx, set, lines, nil)
	if err = errors.Join(err, lines.Close()); err != nil {
		return fmt.Errorf("servers: fill %s: %w", set, err)
	}
	if err := all.findPages(ctx, nodes); err != nil {
		return err
	}
	for path, request := range map[string][]byte{set: all.own.read(set, nodes/2), set + "pages": all.pages[nodes][len(all.pages[nodes])/2]} {
		body, err := bodyOf(ctx, all.own, request)
		if err == nil {
			err = once(ctx, all.bare, httpRequest("PUT", all.bare.address, "/"+path, "", body))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findPages makes the requests for pages at up to a thousand places of a bucket's order.
func (all *servers) findPages(ctx context.Context, nodes int) error {
	set := setOf(nodes)
	q := api.Query{Limit: min(max(nodes/20, pageSize), 1000), Fields: []string{"country"}}
	path := fmt.Sprintf("/v1/buckets/%s/nodes?limit=%d", set, pageSize)
	requests := [][]byte{httpRequest("GET", all.own.address, path, all.header, nil)}
	for {
		page, err := all.client.Nodes(ctx, set, q)
		if err != nil {
			return err
		}
		if page.Scanned {
			return fmt.Errorf("servers: %s is not yet in its order", set)
		}
		if page.Next == nil {
			break
		}
		q.Cursor = *page.Next
		requests = append(requests, httpRequest("GET", all.own.address, path+"&cursor="+q.Cursor, all.header, nil))
	}
	if all.pages == nil {
		all.pages = map[int][][]byte{}
	}
	all.pages[nodes] = requests
	return nil
}

// bodyOf answers what a server answers a request.
func bodyOf(ctx context.Context, s *server, request []byte) ([]byte, error) {
	c, err := dial(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	var body []byte
	c.read = func(r *bufio.Reader) error {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		body, err = io.ReadAll(response.Body)
		return errors.Join(err, response.Body.Close())
	}
	return body, c.call(request)
}

// measureReads is a round of S7.
func measureReads(ctx context.Context, all *servers, o options, f figures) error {
	for _, nodes := range sizes(o.nodes) {
		set, pages := setOf(nodes), all.pages[nodes]
		node := func(s *server) func() []byte { return func() []byte { return s.read(set, rand.IntN(nodes)) } }
		reads := []struct {
			figure string
			of     *server
			times  int
			next   func() []byte
		}{
			{"node", all.own, nodeReads, node(all.own)},
			{"node", all.bare, nodeReads, node(all.bare)},
			{"page", all.own, pageReads, func() []byte { return pages[rand.IntN(len(pages))] }},
			{"page", all.bare, pageReads, func() []byte { return all.bare.read(set+"pages", 0) }},
		}
		if nodes <= peerNodes {
			for _, s := range all.peers {
				reads = append(reads, reads[0])
				last := &reads[len(reads)-1]
				last.of, last.next = s, node(s)
			}
		}
		for _, r := range reads {
			took, err := read(ctx, r.of, r.times, r.next)
			if err != nil {
				return fmt.Errorf("servers: %s: %w", r.of.name, err)
			}
			f.note(strings.Join([]string{"S7", r.figure, fmt.Sprint(nodes), r.of.name}, "/"), took)
		}
	}
	return nil
}

// read answers how many microseconds a request takes over one connection, the median of some, after the first few.
func read(ctx context.Context, s *server, times int, next func() []byte) (float64, error) {
	c, err := dial(ctx, s)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	var took []float64
	for i := range warmReads + times {
		request := next()
		start := time.Now()
		if err := errors.Join(c.call(request), ctx.Err()); err != nil {
			return 0, err
		}
		if i >= warmReads {
			took = append(took, micros(time.Since(start)))
		}
	}
	return median(took), nil
}
