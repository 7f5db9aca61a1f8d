package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Health makes sure that a daemon answers; it needs no token.
func (c *Client) Health(ctx context.Context) error {
	return c.get(ctx, call{method: http.MethodGet, path: "/healthz"}, nil)
}

// Metrics answers what the daemon counts, in Prometheus's text format. It takes the scope admin.
func (c *Client) Metrics(ctx context.Context) ([]byte, error) {
	return c.fetch(ctx, call{method: http.MethodGet, path: "/metrics"})
}

// Status answers how the daemon stands: of an app, the buckets in its scopes alone.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	return &s, c.get(ctx, call{method: http.MethodGet, path: "/v1/status"}, &s)
}

// Sync makes a round with a remote, or with all when the name is empty, and waits until it has shown what was appended before:
// as long as the remote takes. Of one remote that fails it is ErrRemote; of all, each RemoteStatus says how it went.
func (c *Client) Sync(ctx context.Context, remote string) ([]RemoteStatus, error) {
	if remote == "" {
		var all Remotes
		err := c.get(ctx, call{method: http.MethodPost, path: "/v1/sync"}, &all)
		return all.Remotes, err
	}
	var one RemoteStatus
	if err := c.get(ctx, call{method: http.MethodPost, path: "/v1/remotes/" + escape(remote) + "/sync"}, &one); err != nil {
		return nil, err
	}
	return []RemoteStatus{one}, nil
}

// Buckets lists the buckets.
func (c *Client) Buckets(ctx context.Context) ([]BucketStatus, error) {
	var all Buckets
	err := c.get(ctx, call{method: http.MethodGet, path: "/v1/buckets"}, &all)
	return all.Buckets, err
}

// Bucket answers how one bucket stands, and its settings, or ErrNotFound.
func (c *Client) Bucket(ctx context.Context, name string) (*BucketShown, error) {
	var b BucketShown
	return &b, c.get(ctx, call{method: http.MethodGet, path: bucketPath(name, "")}, &b)
}

// ChangeSettings changes settings of a bucket, on all devices: the members of an object, where null takes one away. ErrRefused: they are not as they must.
func (c *Client) ChangeSettings(ctx context.Context, bucket string, settings json.RawMessage) (*BucketShown, error) {
	var b BucketShown
	return &b, c.get(ctx, call{method: http.MethodPatch, path: bucketPath(bucket, ""), body: BucketChange{Settings: settings}}, &b)
}

// ChangeRemotes has a bucket sync with these remotes and no others, from this device. One that is new is given what the others have
// first, as BucketStatus.Filling tells. ErrNotFound: there is no such remote; ErrConflict: one to be taken off is still copied from.
func (c *Client) ChangeRemotes(ctx context.Context, bucket string, remotes []string) (*BucketShown, error) {
	var b BucketShown
	body := map[string][]string{"remotes": append([]string{}, remotes...)} // also none of them, which is refused
	return &b, c.get(ctx, call{method: http.MethodPatch, path: bucketPath(bucket, ""), body: body}, &b)
}

// CreateBucket makes a bucket or joins one. Doing it again changes nothing. ErrConflict: the remote is to be named.
func (c *Client) CreateBucket(ctx context.Context, b Bucket) (*BucketStatus, error) {
	var made BucketStatus
	return &made, c.get(ctx, call{method: http.MethodPost, path: "/v1/buckets", body: b}, &made)
}

// LeaveBucket stops taking part in a bucket. Its file stays on the disk unless purge, which is ErrConflict while something
// waits to be synced.
func (c *Client) LeaveBucket(ctx context.Context, name string, purge bool) error {
	query := url.Values{}
	if purge {
		query.Set("purge", "true")
	}
	return c.get(ctx, call{method: http.MethodDelete, path: bucketPath(name, ""), query: query}, nil)
}

// AppendOptions are conditions of one append.
type AppendOptions struct {
	IfMatch string // rev the one touched node must have, else ErrChanged
	// Key is the Idempotency-Key, of up to 255 bytes: a repeat answers as the first did. Empty: the client makes one, so that
	// an append whose answer is lost can be sent again. The daemon keeps a key with its receipt as long as the entry: some 400
	// bytes.
	Key string
	// Once makes no key, and does not send the append again after it was sent: for many small appends of which one may be
	// left unsure, with ErrBroken. AppendMany is faster still.
	Once bool
}

// Append appends one entry: body is one action {"type":…} or {"actions":[…]}, of up to 1 MiB. It is durable when Append
// returns, and stands once, however often it had to be sent. ErrConflict: the node is not alive; ErrRefused: it can never be
// appended, or breaks the schema (Error.Violations); ErrFull: no room is left on the disk.
func (c *Client) Append(ctx context.Context, bucket string, body []byte, o AppendOptions) (*Appended, error) {
	header := http.Header{}
	if o.IfMatch != "" {
		header.Set("If-Match", strconv.Quote(o.IfMatch))
	}
	once := o.Once && o.Key == ""
	c.setKey(header, o.Key, once)
	var a Appended
	return &a, c.get(ctx, call{method: http.MethodPost, path: bucketPath(bucket, "/actions"), header: header, body: body, once: once}, &a)
}

// setKey sets the key that was given, or one that nobody else has where the call may be sent again.
func (c *Client) setKey(header http.Header, key string, once bool) {
	if key == "" && !once && c.retries > 0 {
		key = rand.Text()
	}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
}

// Compact writes an index of what none covers yet, on each remote of a bucket.
func (c *Client) Compact(ctx context.Context, bucket string) (*Compacted, error) {
	var done Compacted
	return &done, c.get(ctx, call{method: http.MethodPost, path: bucketPath(bucket, "/compact")}, &done)
}

// Undo undoes an entry where it is still as the entry left it. What it changes is durable when Undo returns. The key is as in
// AppendOptions. ErrNotFound: there is no such entry; ErrConflict: it is undone already.
func (c *Client) Undo(ctx context.Context, bucket string, u Undo, key string) (*Undone, error) {
	header := http.Header{}
	c.setKey(header, key, false)
	var done Undone
	return &done, c.get(ctx, call{method: http.MethodPost, path: bucketPath(bucket, "/undo"), header: header, body: u}, &done)
}

// Node answers one node; one that is absent is ErrNotFound.
func (c *Client) Node(ctx context.Context, bucket, id string) (*Node, error) {
	var n Node
	return &n, c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/nodes/") + escape(id)}, &n)
}

// Query chooses a page of nodes. The zero Query is the first page of all.
type Query struct {
	Prefix string   // of ids; then nodes come by id
	Order  string   // names separated by commas, such as -created,id; empty: the bucket's order
	Where  []string // PROPERTY:OPERATOR:VALUE, of eq, in, lt, gt, starts-with; all must hold
	Fields []string // properties of the values; none: all
	Cursor string   // Page.Next of the page before
	Limit  int      // nodes a page, up to 1,000; 0: 100
	At     string   // a stamp, or a time as RFC 3339: the nodes as they were then; empty: as they are
}

// Nodes answers a page of nodes. ErrRefused: the cursor is of another order.
func (c *Client) Nodes(ctx context.Context, bucket string, q Query) (*Page, error) {
	query := url.Values{}
	set(query, "prefix", q.Prefix)
	set(query, "order", q.Order)
	set(query, "fields", strings.Join(q.Fields, ","))
	if len(q.Where) > 0 {
		query["where"] = q.Where
	}
	set(query, "cursor", q.Cursor)
	set(query, "at", q.At)
	setLimit(query, q.Limit)
	var p Page
	return &p, c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/nodes"), query: query}, &p)
}

// AllNodes yields the nodes that a query chooses, page by page, from its Cursor on. Nodes that stay where they are come once,
// whatever changes meanwhile. After an error the sequence ends.
func (c *Client) AllNodes(ctx context.Context, bucket string, q Query) iter.Seq2[Node, error] {
	return func(yield func(Node, error) bool) {
		for {
			page, err := c.Nodes(ctx, bucket, q)
			if err != nil {
				yield(Node{}, err)
				return
			}
			for _, n := range page.Nodes {
				if !yield(n, nil) {
					return
				}
			}
			if page.Next == nil {
				return
			}
			q.Cursor = *page.Next
		}
	}
}

// Schema answers the JSON Schema of a bucket, null when there is none.
func (c *Client) Schema(ctx context.Context, bucket string) (json.RawMessage, error) {
	var s Schema
	err := c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/schema")}, &s)
	return s.Schema, err
}

// Log answers up to limit entries, 100 when it is 0 and 1,000 at most, in the order they reached the device; after is
// Entry.Offset or Log.Next, or empty for the first.
func (c *Client) Log(ctx context.Context, bucket, after string, limit int) (*Log, error) {
	return c.log(ctx, bucket, after, limit, url.Values{})
}

// WaitLog is Log that waits for the first entry, up to 30 seconds; FollowLog goes on by itself.
func (c *Client) WaitLog(ctx context.Context, bucket, after string, limit int) (*Log, error) {
	return c.log(ctx, bucket, after, limit, url.Values{"live": {"long-poll"}})
}

func (c *Client) log(ctx context.Context, bucket, after string, limit int, query url.Values) (*Log, error) {
	set(query, "after", after)
	setLimit(query, limit)
	var l Log
	return &l, c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/log"), query: query}, &l)
}

// Remotes lists the remotes.
func (c *Client) Remotes(ctx context.Context) ([]RemoteStatus, error) {
	var all Remotes
	err := c.get(ctx, call{method: http.MethodGet, path: "/v1/remotes"}, &all)
	return all.Remotes, err
}

// AddRemote names a place reached through rclone. Doing it again changes nothing but the channel; another path under the name is ErrConflict,
// and so is a place whose share has another key, or is encrypted or plain where it should not be: Error.Type tells.
func (c *Client) AddRemote(ctx context.Context, r Remote) (*RemoteStatus, error) {
	var made RemoteStatus
	return &made, c.get(ctx, call{method: http.MethodPost, path: "/v1/remotes", body: r}, &made)
}

// MakeKey makes a recovery key for an encrypted remote, which AddRemote then takes. Nothing is kept of it. ErrConflict: no encrypted
// share can be made there.
func (c *Client) MakeKey(ctx context.Context, name, path string) (string, error) {
	var made RecoveryKey
	err := c.get(ctx, call{method: http.MethodPost, path: "/v1/keys", body: KeyRequest{Name: name, Path: path}}, &made)
	return made.Key, err
}

// RemoteKey answers the recovery key of an encrypted remote; ErrNotFound of one that is plain.
func (c *Client) RemoteKey(ctx context.Context, name string) (string, error) {
	var key RecoveryKey
	err := c.get(ctx, call{method: http.MethodGet, path: "/v1/remotes/" + escape(name) + "/key"}, &key)
	return key.Key, err
}

// ChangeRemote pauses a remote, lets it go on, or sets its budget of requests.
func (c *Client) ChangeRemote(ctx context.Context, name string, change RemoteChange) (*RemoteStatus, error) {
	var r RemoteStatus
	return &r, c.get(ctx, call{method: http.MethodPatch, path: "/v1/remotes/" + escape(name), body: change}, &r)
}

// PauseRemotes pauses all remotes, or lets them go on.
func (c *Client) PauseRemotes(ctx context.Context, paused bool) ([]RemoteStatus, error) {
	var all Remotes
	err := c.get(ctx, call{method: http.MethodPatch, path: "/v1/remotes", body: RemoteChange{Paused: &paused}}, &all)
	return all.Remotes, err
}

// RemoveRemote forgets a remote. Nothing on it is touched.
func (c *Client) RemoveRemote(ctx context.Context, name string) error {
	return c.get(ctx, call{method: http.MethodDelete, path: "/v1/remotes/" + escape(name)}, nil)
}

// MoveRemote begins to move a remote's share to another remote, or tells how far that is: RemoteStatus.Moving while it is under way,
// RemoteStatus.MovedTo once the buckets sync with the other one. Nothing on the remote is touched. ErrConflict: it moves elsewhere.
func (c *Client) MoveRemote(ctx context.Context, name, to string) (*RemoteStatus, error) {
	var r RemoteStatus
	return &r, c.get(ctx, call{method: http.MethodPost, path: "/v1/remotes/" + escape(name) + "/move", body: Move{To: to}}, &r)
}

// TestRemote writes, reads, lists and removes a small file on a remote.
func (c *Client) TestRemote(ctx context.Context, name string) (*RemoteTest, error) {
	var t RemoteTest
	return &t, c.get(ctx, call{method: http.MethodPost, path: "/v1/remotes/" + escape(name) + "/test"}, &t)
}

// SetUpChannel makes the topic of a remote's channel, if it is missing, and tells whether this device may send and receive there, and
// how long a message takes. ErrConflict: the remote has no channel, or is paused.
func (c *Client) SetUpChannel(ctx context.Context, name string) (*RemoteTest, error) {
	var t RemoteTest
	return &t, c.get(ctx, call{method: http.MethodPost, path: "/v1/remotes/" + escape(name) + "/channel"}, &t)
}

// TearDownChannel takes a remote's channel away, and what this device has at its service; with all, the topic too, and what other
// devices left there. ErrConflict: the remote has no channel.
func (c *Client) TearDownChannel(ctx context.Context, name string, all bool) error {
	query := url.Values{}
	if all {
		query.Set("all", "true")
	}
	return c.get(ctx, call{method: http.MethodDelete, path: "/v1/remotes/" + escape(name) + "/channel", query: query}, nil)
}

// Verify checks every hash, signature and chain of a bucket or a remote, or of all when the name is empty.
func (c *Client) Verify(ctx context.Context, subject string) (*Verdict, error) {
	var v Verdict
	return &v, c.get(ctx, call{method: http.MethodPost, path: "/v1/verify", body: Check{Subject: subject}}, &v)
}

// Doctor looks at all that can be wrong, and says how to mend what is. Each remote is tested, so that it takes up to half a
// minute where one does not answer. It takes the scope admin.
func (c *Client) Doctor(ctx context.Context) (*Diagnosis, error) {
	var d Diagnosis
	return &d, c.get(ctx, call{method: http.MethodPost, path: "/v1/doctor"}, &d)
}

func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

func setLimit(query url.Values, limit int) {
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
}
