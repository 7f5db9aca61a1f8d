package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// entryID names an entry.
type entryID struct {
	Writer string
	Number uint64
}

// logEntry is an entry as the log of a device shows it.
type logEntry struct {
	Offset string
	Writer string
	Entry  struct {
		Number  uint64
		Actions []struct{ ID string }
	}
}

// bucketStatus is the part of a bucket's status that the tests use.
type bucketStatus struct {
	Name    string
	Writer  string
	Nodes   uint64
	Entries uint64
	Pending uint64
}

// errRefused: the daemon answered, and not with 200.
var errRefused = errors.New("refused")

// call makes one request and answers the body of a 2xx.
func (d *device) call(ctx context.Context, method, path, kind string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+d.address+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+d.token)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	resp, err := d.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%w: %s %s: %s: %s", errRefused, method, path, resp.Status, answer)
	}
	return answer, nil
}

// appendOne appends one action and answers the entry it became.
func (d *device) appendOne(ctx context.Context, bucket, action string) (entryID, error) {
	answer, err := d.call(ctx, http.MethodPost, "/v1/buckets/"+url.PathEscape(bucket)+"/actions", "application/json", bytes.NewReader([]byte(action)))
	if err != nil {
		return entryID{}, err
	}
	var e entryID
	err = json.Unmarshal(answer, &e)
	return e, err
}

// bulkAnswer answers an append of many lines.
type bulkAnswer struct {
	Writer    string
	Committed uint64
	Last      uint64 // number of the last entry
}

// appendLines appends many actions, one a line.
func (d *device) appendLines(ctx context.Context, bucket string, lines []byte) (bulkAnswer, error) {
	var a bulkAnswer
	answer, err := d.call(ctx, http.MethodPost, "/v1/buckets/"+url.PathEscape(bucket)+"/actions", "application/x-ndjson", bytes.NewReader(lines))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(answer, &a)
}

// get answers a value of the API.
func (d *device) get(t testing.TB, path string, value any) {
	t.Helper()
	answer, err := d.call(t.Context(), http.MethodGet, path, "", nil)
	if err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	if err := json.Unmarshal(answer, value); err != nil {
		t.Fatalf("%s: %s: %v", d.name, path, err)
	}
}

// status tells how a bucket stands.
func (d *device) status(t testing.TB, bucket string) bucketStatus {
	t.Helper()
	b, err := d.tryStatus(t.Context(), bucket)
	if err != nil {
		t.Fatalf("%s: %v; it printed:\n%s", d.name, err, d.printed())
	}
	return b
}

func (d *device) tryStatus(ctx context.Context, bucket string) (bucketStatus, error) {
	var b bucketStatus
	answer, err := d.call(ctx, http.MethodGet, "/v1/buckets/"+url.PathEscape(bucket), "", nil)
	if err != nil {
		return b, err
	}
	return b, json.Unmarshal(answer, &b)
}

// sync has the daemon make a round with its remotes; what it says about them does not matter here.
func (d *device) sync(ctx context.Context) error {
	_, err := d.call(ctx, http.MethodPost, "/v1/sync", "application/json", nil)
	return err
}

// log answers the entries after an offset, and the offset to go on from.
func (d *device) log(t testing.TB, bucket, after string) ([]logEntry, string) {
	t.Helper()
	entries, next, err := d.tryLog(t.Context(), bucket, after)
	if err != nil {
		t.Fatalf("%s: %v; it printed:\n%s", d.name, err, d.printed())
	}
	return entries, next
}

func (d *device) tryLog(ctx context.Context, bucket, after string) ([]logEntry, string, error) {
	var all []logEntry
	for {
		var page struct {
			Entries []logEntry
			Next    string
		}
		answer, err := d.call(ctx, http.MethodGet, "/v1/buckets/"+url.PathEscape(bucket)+"/log?limit=1000&after="+after, "", nil)
		if err != nil {
			return all, after, err
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return all, after, err
		}
		if len(page.Entries) == 0 {
			return all, after, nil
		}
		all, after = append(all, page.Entries...), page.Next
	}
}

// hasNode tells whether a node is alive on the device.
func (d *device) hasNode(t testing.TB, bucket, id string) bool {
	t.Helper()
	_, err := d.call(t.Context(), http.MethodGet, "/v1/buckets/"+url.PathEscape(bucket)+"/nodes/"+url.PathEscape(id), "", nil)
	if err != nil && !errors.Is(err, errRefused) {
		t.Fatalf("%s: %v", d.name, err)
	}
	return err == nil
}
