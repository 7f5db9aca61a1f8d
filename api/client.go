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
	"strings"
)

// Options say which daemon a client talks to. The zero value is the daemon of DefaultData.
type Options struct {
	Data    string // data folder of the daemon; default DefaultData
	Address string // host:port; default: the socket in Data, then its address file
	Token   string // default: the token in Data, where it can be read

	// Answers, when set, gets a copy of every JSON body as it came.
	Answers io.Writer
	// HTTPClient, when set, is used as it is: it must reach the daemon by itself.
	HTTPClient *http.Client
}

// Client calls one daemon. Its methods may run at once. Every refusal of the daemon is an *Error; ErrNoDaemon means
// that none was reached.
type Client struct {
	http    *http.Client
	place   place
	token   string
	answers io.Writer
}

// NewClient makes a client. It makes no call; a daemon that has left no trace in its data folder is ErrNoDaemon.
func NewClient(o Options) (*Client, error) {
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
	c := &Client{http: o.HTTPClient, place: p, token: o.Token, answers: o.Answers}
	if c.token == "" {
		c.token = readToken(o.Data)
	}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return p.dial(ctx) },
			MaxIdleConnsPerHost: 64,
		}}
	}
	return c, nil
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
	body   any // nil, an io.Reader, []byte of JSON, or a value to encode
}

// escape makes one path segment of a name or an id. A segment of dots alone would be cleaned away.
func escape(name string) string {
	if strings.Trim(name, ".") == "" {
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

func bucketPath(bucket, rest string) string { return "/v1/buckets/" + escape(bucket) + rest }

// send makes the call and answers the response of a success; anything else is an error.
func (c *Client) send(ctx context.Context, call call) (*http.Response, error) {
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
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.failure(ctx, err)
	}
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
	return fmt.Errorf("api: call the daemon: %w", err)
}

// refusal reads an error answer; one that is not problem+json did not come from a daemon of ours.
func (c *Client) refusal(response *http.Response) error {
	defer func() { _ = response.Body.Close() }()
	data, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	var e Error
	if kind != ProblemType || json.Unmarshal(data, &e) != nil {
		return &Error{
			Title: http.StatusText(response.StatusCode), Status: response.StatusCode,
			Detail: fmt.Sprintf("what answers at %s is not SetLogger: %s", c.place.address, response.Status),
			Hint:   "name the daemon with --data or --listen",
		}
	}
	c.copy(data)
	return &e
}

func (c *Client) copy(data []byte) {
	if c.answers != nil {
		_, _ = c.answers.Write(data) // a face's own output: it sees its own errors
	}
}

// get makes the call and decodes its answer into out, which may be nil.
func (c *Client) get(ctx context.Context, call call, out any) error {
	response, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("api: read the answer: %w", err)
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
