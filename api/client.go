package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Options say which daemon a client talks to, and how. The zero value is the daemon of DefaultData.
type Options struct {
	Data    string // data folder of the daemon; default DefaultData
	Address string // host:port; default: the socket in Data, then its address file
	Token   string // default: the token in Data, where it can be read

	// Retries is how often a call is made again at most: after its connection broke, while the daemon is stopping, and while
	// it is away once it has answered. 0: 8, over some ten seconds; below 0: never. What is not safe to do twice is not made
	// again after it was sent; the comment of each method tells.
	Retries int
	// MaxAnswer bounds the bytes of an answer; 0: 256 MiB. Streams have no bound as a whole.
	MaxAnswer int64
	// UserAgent names the program, such as lists/1.2; it is sent before the client's own name.
	UserAgent string

	// Answers, when set, gets a copy of every JSON body as it came.
	Answers io.Writer
	// HTTPClient, when set, is used as it is: it must reach the daemon by itself.
	HTTPClient *http.Client
	// Wrap, when set, is put around the client's own transport, to trace or count what passes.
	Wrap func(http.RoundTripper) http.RoundTripper
}

const (
	ownAgent  = "setlogger-go"
	maxAnswer = 256 << 20
	dialTime  = 10 * time.Second
)

func (o Options) withDefaults() Options {
	switch {
	case o.Retries == 0:
		o.Retries = defaultRetries
	case o.Retries < 0:
		o.Retries = 0
	}
	if o.MaxAnswer <= 0 {
		o.MaxAnswer = maxAnswer
	}
	o.UserAgent = strings.TrimSpace(o.UserAgent + " " + ownAgent)
	return o
}

// Client calls one daemon over connections that it keeps. Its methods may run at once, and end with their context. Every
// refusal of the daemon is an *Error; errors.Is tells its kind: ErrNotFound, ErrChanged, ErrNoDaemon and so on.
type Client struct {
	http    *http.Client
	place   place
	token   string
	agent   string
	answers io.Writer

	retries   int
	pause     time.Duration // before the first of them
	maxAnswer int64
	answered  atomic.Bool // by something that listens there
}

// NewClient makes a client. It makes no call; a daemon that has left no trace in its data folder is ErrNoDaemon.
func NewClient(o Options) (*Client, error) {
	o = o.withDefaults()
	if o.Data == "" && (o.Address == "" || o.Token == "") {
		data, err := DefaultData()
		if err != nil {
			return nil, err
		}
		o.Data = data
	}
	p, err := find(o.Data, o.Address)
	if err != nil {
		return nil, err
	}
	c := &Client{
		http: o.HTTPClient, place: p, token: o.Token, agent: o.UserAgent, answers: o.Answers,
		retries: o.Retries, pause: shortestPause, maxAnswer: o.MaxAnswer,
	}
	if c.token == "" {
		c.token = readToken(o.Data)
	}
	if c.http == nil {
		c.http = p.client(o.Wrap)
	}
	return c, nil
}

// client reaches a place and no other: it takes no proxy and follows no redirect.
func (p place) client(wrap func(http.RoundTripper) http.RoundTripper) *http.Client {
	var transport http.RoundTripper = &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) },
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute, // less than the daemon's
		DisableCompression:  true,
	}
	if wrap != nil {
		transport = wrap(transport)
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Where says where the daemon is looked for: a socket's path or host:port.
func (c *Client) Where() string { return c.place.address }

// readToken answers the token of a data folder, or nothing: on the socket the owner needs none.
func readToken(data string) string {
	b, err := os.ReadFile(filepath.Join(data, TokenFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// call is one request.
type call struct {
	method string
	path   string // escaped
	query  url.Values
	header http.Header
	body   any  // nil, an io.Reader, []byte of JSON, or a value to encode
	once   bool // not safe to do twice: it is not made again after it was sent
}

// escape makes one path segment of a name or an id. A segment of dots alone would be cleaned away.
func escape(name string) string {
	if strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

func bucketPath(bucket, rest string) string { return "/v1/buckets/" + escape(bucket) + rest }

// send makes the call, again where that is due, and answers the response of a success; anything else is an error.
func (c *Client) send(ctx context.Context, call call) (response *http.Response, err error) {
	err = c.repeat(ctx, call, func() error {
		var err error
		response, err = c.sendOnce(ctx, call) //nolint:bodyclose // the caller's
		return err
	})
	return response, c.told(err)
}

func (c *Client) sendOnce(ctx context.Context, call call) (*http.Response, error) {
	body, kind, err := encode(call.body)
	if err != nil {
		return nil, err
	}
	address := "http://" + c.place.host + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("api: %s %s: %w", call.method, call.path, err)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	maps.Copy(request.Header, call.header)
	request.Header.Set("User-Agent", c.agent)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	c.answered.Store(true)
	if response.StatusCode >= 300 {
		return nil, c.refusal(response)
	}
	return response, nil
}

func encode(body any) (io.Reader, string, error) {
	switch b := body.(type) {
	case nil:
		return nil, "", nil
	case io.Reader:
		return b, "", nil
	case []byte:
		return bytes.NewReader(b), "application/json", nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, "", fmt.Errorf("api: encode the request: %w", err)
	}
	return bytes.NewReader(data), "application/json", nil
}

// failure is what a call that got no response is told as.
func (c *Client) failure(ctx context.Context, err error) error {
	if ctx.Err() == nil && noAnswer(err) {
		return noDaemon(c.place.address)
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return broken(ctx, "call the daemon", err)
}

// broken says that a connection ended before its answer did, unless the caller has given up.
func broken(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("api: %s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrBroken, doing, err)
}

// refusal reads an error answer; one that is not problem+json did not come from a daemon of ours.
func (c *Client) refusal(response *http.Response) error {
	defer func() { _ = response.Body.Close() }()
	data, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	e := &Error{raw: data}
	if kind != ProblemType || json.Unmarshal(data, e) != nil {
		e = &Error{
			Title: http.StatusText(response.StatusCode), Status: response.StatusCode, foreign: true,
			Detail: fmt.Sprintf("what answers at %s is not SetLogger: %s", c.place.address, response.Status),
			Hint:   "name the daemon with --data or --listen",
		}
	}
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}

// told copies the refusal that a call ends with, and passes it on.
func (c *Client) told(err error) error {
	if refusal, ok := errors.AsType[*Error](err); ok && len(refusal.raw) > 0 {
		c.copy(refusal.raw)
	}
	return err
}

func (c *Client) copy(data []byte) {
	if c.answers != nil {
		_, _ = c.answers.Write(data) // a face's own output: it sees its own errors
	}
}

// fetch makes the call and answers its whole answer; one that is cut off is fetched again where that is due.
func (c *Client) fetch(ctx context.Context, call call) (data []byte, err error) {
	err = c.repeat(ctx, call, func() error {
		response, err := c.sendOnce(ctx, call)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		data, err = io.ReadAll(io.LimitReader(response.Body, c.maxAnswer+1))
		switch {
		case err != nil:
			return broken(ctx, "read the answer", err)
		case int64(len(data)) > c.maxAnswer:
			return fmt.Errorf("%w: more than %d bytes to %s %s; ask for less at a time", ErrLongAnswer, c.maxAnswer, call.method, call.path)
		}
		return nil
	})
	return data, c.told(err)
}

// get makes the call and decodes its answer into out, which may be nil.
func (c *Client) get(ctx context.Context, call call, out any) error {
	data, err := c.fetch(ctx, call)
	if err != nil {
		return err
	}
	c.copy(data)
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("api: decode the answer to %s %s: %w", call.method, call.path, err)
	}
	return nil
}
