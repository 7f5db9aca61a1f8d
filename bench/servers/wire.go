package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// connection sends requests that are made already, so that the one generator of load costs all servers much the same.
type connection struct {
	net.Conn
	replies *bufio.Reader
	read    func(*bufio.Reader) error
}

// dial opens a connection that ends with the context.
func dial(ctx context.Context, s *server) (*connection, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, 16<<10), s.reply}, nil
}

// call sends a request and reads its reply; a refusal is an error.
func (c *connection) call(request []byte) error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.Write(request); err != nil {
		return err
	}
	return c.read(c.replies)
}

// httpRequest is a request with its body; header lines end in \r\n.
func httpRequest(method, address, path, header string, body []byte) []byte {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, path, address, header)
	if body != nil {
		head += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append([]byte(head+"\r\n"), body...)
}

// httpReply reads a response, and what it says when it is a refusal. It looks at no more of it than redisReply does of
// its own, as what the generator does takes from the servers.
func httpReply(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	status := string(bytes.TrimSpace(line))
	size, err := bodySize(r)
	if err != nil {
		return err
	}
	if size >= 0 {
		return judge(status, io.LimitReader(r, int64(size)))
	}
	if err := judge(status, httputil.NewChunkedReader(r)); err != nil {
		return err
	}
	_, err = r.ReadSlice('\n') // the end of the chunks, with no trailer
	return err
}

// judge reads a body to its end, and answers what it says when the status is a refusal.
func judge(status string, body io.Reader) error {
	if strings.HasPrefix(status, "HTTP/1.1 2") {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	text, err := io.ReadAll(body)
	return errors.Join(fmt.Errorf("servers: %s: %s", status, text), err)
}

// bodySize reads a header to its end and answers how long the body is that it announces; negative: it comes in chunks.
func bodySize(r *bufio.Reader) (int, error) {
	const name = "Content-Length:"
	size, err := -1, error(nil)
	for err == nil {
		var line []byte
		line, err = r.ReadSlice('\n')
		switch {
		case err != nil:
		case len(line) == len("\r\n"):
			return size, nil
		case len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)):
			size, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):])))
		}
	}
	return 0, err
}

// redisRequest is a command as an array of RESP.
func redisRequest(words ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.Bytes()
}

// redisReply reads a status or a value; nothing found is an error, too.
func redisReply(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if line[0] == '+' {
		return nil
	}
	size, err := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	if line[0] != '$' || err != nil || size < 0 {
		return fmt.Errorf("servers: Redis answers %q", line)
	}
	_, err = r.Discard(size + len("\r\n"))
	return err
}
