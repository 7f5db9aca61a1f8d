package attack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that a bound of the daemon ends.
const patience = 60 * time.Second

// request is one as it goes over the wire: no client mends it.
type request struct {
	method, target, version string

	headers []string // NAME: VALUE
	body    string
}

// request is the call as a program makes it, without a token.
func (v *victim) request(c call) *request {
	r := &request{method: c.method, target: c.target, version: "HTTP/1.1", body: c.body, headers: []string{"Host: " + v.address}}
	switch {
	case c.socket:
		r.headers = append(r.headers, "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Connection: Upgrade")
		return r
	case strings.HasPrefix(c.target, "/v1/stream"):
		r.headers = append(r.headers, "Accept: text/event-stream")
	case c.body != "":
		r.headers = append(r.headers, "Content-Type: application/json")
	}
	r.headers = append(r.headers, "Connection: close")
	return r
}

// set puts header lines in the place of those of the same names. A name alone, without a colon, is taken out.
func (r *request) set(lines ...string) {
	for _, line := range lines {
		r.headers = slices.DeleteFunc(r.headers, func(old string) bool { return strings.EqualFold(nameOf(old), nameOf(line)) })
	}
	for _, line := range lines {
		if strings.Contains(line, ":") {
			r.headers = append(r.headers, line)
		}
	}
}

func nameOf(line string) string {
	name, _, _ := strings.Cut(line, ":")
	return name
}

func (r *request) has(name string) bool {
	return slices.ContainsFunc(r.headers, func(line string) bool { return strings.EqualFold(nameOf(line), name) })
}

// text is the request on the wire; who sets no length of the body gets the right one.
func (r *request) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\n", r.method, r.target, r.version)
	for _, line := range r.headers {
		b.WriteString(line + "\r\n")
	}
	if !r.has("Content-Length") && !r.has("Transfer-Encoding") && (r.body != "" || r.method != http.MethodGet) {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	return b.String() + "\r\n" + r.body
}

// reply is what came back: of a stream, what came at first.
type reply struct {
	status int
	header http.Header
	body   string
	whole  string // all bytes that came
}

// dial connects to the port for as long as the test may wait.
func (v *victim) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", v.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// send makes a request and reads the answer. Status 0: the daemon closed without one. Who still sends while a busy machine's daemon
// has answered and closes may lose the answer to the reset of the connection, and asks again.
func (v *victim) send(t *testing.T, r *request) (got reply) {
	t.Helper()
	for range 5 {
		var err error
		if got, err = v.sendOnce(t, r); !errors.Is(err, syscall.ECONNRESET) {
			break
		}
	}
	return got
}

func (v *victim) sendOnce(t *testing.T, r *request) (reply, error) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", v.address, patience)
	if err != nil {
		t.Error(err)
		return reply{}, err
	}
	defer func() { _ = conn.Close() }() // and not the answer's body, which would wait for the end of a stream
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	go func() { _, _ = io.WriteString(conn, r.text()) }() // the daemon may answer and close before it has all
	var whole bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &whole)), &http.Request{Method: r.method})
	if err != nil {
		return reply{whole: whole.String()}, err
	}
	var body []byte
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		body = make([]byte, 4096)
		n, _ := io.ReadAtLeast(response.Body, body, 1)
		body = body[:n]
	} else {
		body, _ = io.ReadAll(response.Body) // what came is judged
	}
	return reply{response.StatusCode, response.Header, string(body), whole.String()}, nil
}

// replies reads every answer that comes over one connection until it ends.
func replies(conn net.Conn) []int {
	var all []int
	in := bufio.NewReader(conn)
	for {
		line, err := textproto.NewReader(in).ReadLine()
		if err != nil {
			return all
		}
		if text, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok {
			status, _ := strconv.Atoi(text[:min(3, len(text))])
			all = append(all, status)
		}
	}
}
