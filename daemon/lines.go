package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Bounds of what is parsed and not yet committed.
const (
	maxWaiting      = 2000 // lines
	maxWaitingBytes = 4 << 20
)

// appendLines appends each line as an entry, in order, and stops at the first that is refused. Lines are read and
// parsed while those before them are committed.
func (d *Daemon) appendLines(w http.ResponseWriter, r *http.Request, b *heldBucket) error {
	if r.Header.Get("If-Match") != "" || r.Header.Get("Idempotency-Key") != "" {
		return problem(http.StatusBadRequest, "If-Match and Idempotency-Key are for one append, not for many lines", "send one action at a time")
	}
	q := newQueue()
	c := &committer{bucket: b, queue: q, committed: func() { d.noteAppend(b) }}
	var committing sync.WaitGroup
	committing.Go(func() { c.run(r.Context()) })
	err := readLines(r.Body, q)
	q.close()
	committing.Wait()
	if c.err != nil {
		err = c.err // of an earlier line than what stopped the reading
	}
	if err != nil {
		return refuseLines(w, r, c.lines, err)
	}
	stats := b.Stats()
	if c.last == 0 { // nothing changed
		c.last = stats.Head
	}
	return writeJSON(w, api.AppendedMany{Writer: stats.Writer.String(), Committed: c.lines, Last: c.last})
}

// parsed is a line on its way to the store.
type parsed struct {
	actions []setlog.Action // none: a blank line
	size    int
}

// queue holds lines from when they are parsed until the store is free to take all of them at once.
type queue struct {
	mu     sync.Mutex
	turn   *sync.Cond
	lines  []parsed
	size   int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.turn = sync.NewCond(&q.mu)
	return q
}

// put waits until there is room, and tells whether the line was taken.
func (q *queue) put(line parsed) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && (len(q.lines) >= maxWaiting || q.size >= maxWaitingBytes) {
		q.turn.Wait()
	}
	if q.closed {
		return false
	}
	q.lines = append(q.lines, line)
	q.size += line.size
	q.turn.Signal()
	return true
}

// take waits for lines and answers all that there are; none when the queue is closed and empty. It reuses spare.
func (q *queue) take(spare []parsed) []parsed {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && len(q.lines) == 0 {
		q.turn.Wait()
	}
	lines := q.lines
	q.lines, q.size = spare[:0], 0
	q.turn.Signal()
	return lines
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.turn.Broadcast()
}

// committer appends what the queue holds, in order.
type committer struct {
	bucket    *heldBucket
	queue     *queue
	committed func() // called after each commit

	lines uint64 // settled: durably appended, or blank
	last  uint64 // number of the last entry
	err   error  // of the first refused line
}

func (c *committer) run(ctx context.Context) {
	var taken []parsed
	for {
		if taken = c.queue.take(taken); len(taken) == 0 {
			return
		}
		if c.err = c.append(ctx, taken); c.err != nil {
			c.queue.close()
			return
		}
	}
}

// append commits some lines at once and counts those that are settled: all with a receipt, and the blank ones before
// the first without.
func (c *committer) append(ctx context.Context, lines []parsed) error {
	requests := make([]localstore.Request, 0, len(lines))
	for _, line := range lines {
		if line.actions != nil {
			requests = append(requests, localstore.Request{Actions: line.actions, NoRevs: true})
		}
	}
	receipts, err := c.bucket.append(ctx, requests...)
	if len(receipts) > 0 {
		c.committed()
	}
	for _, receipt := range receipts {
		c.last = max(c.last, receipt.Number)
	}
	left := len(receipts)
	for _, line := range lines {
		if line.actions != nil {
			if left == 0 {
				break
			}
			left--
		}
		c.lines++
	}
	return err
}

// readLines parses the stream into the queue, up to its end or its first line that cannot be parsed.
func readLines(body io.Reader, q *queue) error {
	lines := bufio.NewReaderSize(body, 256<<10)
	for {
		line, err := readLine(lines)
		if len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			next := parsed{size: len(line)}
			var refusal error
			if len(bytes.TrimSpace(line)) > 0 {
				next.actions, refusal = setlog.ParseActions(line)
			}
			if refusal != nil {
				return refusal
			}
			if !q.put(next) {
				return nil // the committer has the error
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// readLine reads a line of its own memory, with a bound on its length.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxBody {
			return nil, &setlog.Refusal{Kind: setlog.TooLarge, Reason: "the line is too long", Hint: "an action has up to 1 MiB"}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, bodyError(err)
			}
			return line, err
		}
	}
}

// refuseLines answers with the first refused line. What the sender still sends is read for a while: a connection
// closed too early would take the answer with it.
func refuseLines(w http.ResponseWriter, r *http.Request, committed uint64, err error) error {
	e := *answerOf(err)
	line := committed + 1
	e.Line, e.Committed = &line, &committed
	e.Detail = fmt.Sprintf("line %d: %s", line, e.Detail)
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/1.1 over a real connection has it
	w.Header().Set("Connection", "close")
	writeProblem(w, &e)
	if err := control.Flush(); err != nil {
		return nil //nolint:nilerr // the caller is gone
	}
	_ = control.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
	return nil
}
