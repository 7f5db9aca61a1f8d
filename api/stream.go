package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
)

// Content types of streams.
const (
	LinesType  = "application/x-ndjson"
	EventsType = "text/event-stream"
)

// maxEvent bounds one line of an event stream: an entry or nodes, and what frames them.
const maxEvent = 64 << 20

// AppendMany appends each line of NDJSON as an entry, each line of up to 4 MiB, without end. Lines are durable in order; an
// *Error tells in Committed how many of them are. It is not sent twice: after ErrBroken, Log tells what arrived. progress,
// when not nil, is called with the bytes and lines taken from the reader so far.
func (c *Client) AppendMany(ctx context.Context, bucket string, lines io.Reader, progress func(bytes, lines uint64)) (*AppendedMany, error) {
	counted := &counter{reader: lines, progress: progress}
	var a AppendedMany
	err := c.get(ctx, call{
		method: http.MethodPost, path: bucketPath(bucket, "/actions"),
		header: http.Header{"Content-Type": {LinesType}}, body: io.Reader(counted), once: true,
	}, &a)
	return &a, err
}

// counter counts what passes through a reader.
type counter struct {
	reader       io.Reader
	progress     func(bytes, lines uint64)
	bytes, lines uint64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.bytes += uint64(n)
	c.lines += uint64(bytes.Count(p[:n], []byte("\n")))
	if c.progress != nil && n > 0 {
		c.progress(c.bytes, c.lines)
	}
	return n, err
}

// Export answers every alive node as a line of canonical JSON, its id among its members, in the order of ids by their
// UTF-8 bytes. Reading ends with an error other than io.EOF when the daemon could not finish it. The caller closes it.
func (c *Client) Export(ctx context.Context, bucket string) (io.ReadCloser, error) {
	response, err := c.send(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/export")})
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// FollowLog yields the entries after an offset, then those that come, until the context ends or the loop does. After
// an error the sequence ends; it can be taken up again after the offset of the last entry.
func (c *Client) FollowLog(ctx context.Context, bucket, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		query := url.Values{"live": {"sse"}}
		set(query, "after", after)
		follow(ctx, c, call{method: http.MethodGet, path: bucketPath(bucket, "/log"), query: query}, yield)
	}
}

// Events yields how the daemon stands, at once and after each change, until the context ends or the loop does. After an
// error the sequence ends; taken up again, it begins with the whole status.
func (c *Client) Events(ctx context.Context) iter.Seq2[Status, error] {
	return func(yield func(Status, error) bool) {
		follow(ctx, c, call{method: http.MethodGet, path: "/v1/events"}, yield)
	}
}

// follow yields the data of each event that a call answers with.
func follow[T any](ctx context.Context, c *Client, call call, yield func(T, error) bool) {
	var none T
	call.header = http.Header{"Accept": {EventsType}}
	response, err := c.send(ctx, call)
	if err != nil {
		yield(none, err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	for data, err := range events(response.Body) {
		var one T
		if err == nil {
			err = json.Unmarshal(data, &one)
		}
		if !yield(one, err) || err != nil {
			return
		}
	}
}

// events yields the data of each event of a server-sent stream; the end of the stream is an error.
func events(stream io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		lines := bufio.NewScanner(stream)
		lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
		var data []byte
		for lines.Scan() {
			line := lines.Bytes()
			if text, ok := bytes.CutPrefix(line, []byte("data:")); ok {
				data = append(data, bytes.TrimPrefix(text, []byte(" "))...)
			}
			if len(line) > 0 || data == nil {
				continue
			}
			if !yield(data, nil) {
				return
			}
			data = nil
		}
		err := lines.Err()
		if err == nil {
			err = io.EOF
		}
		yield(nil, fmt.Errorf("api: the stream ended: %w", err))
	}
}
