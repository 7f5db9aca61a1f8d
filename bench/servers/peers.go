package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/setlogger/setlogger/api"
)

// openOwn starts the daemon as a person does: with its embedded share, to which it syncs meanwhile.
func (y *yard) openOwn(ctx context.Context, all *servers, o options) error {
	program, err := o.daemon, error(nil)
	if program == "" {
		program, err = y.build(ctx, ".", "./cmd/setlogger", own)
	} else {
		program, err = absolute(program)
	}
	if err != nil {
		return err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	all.own = &server{name: own, address: address, reply: httpReply}
	data := filepath.Join(y.folder, own, "data")
	if err := y.start(ctx, all.own, program, "serve", "--data", data, "--listen", address); err != nil {
		return err
	}
	if err := once(ctx, all.own, httpRequest("GET", address, "/healthz", "", nil)); err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(data, "token"))
	if err != nil {
		return err
	}
	all.header = fmt.Sprintf("Authorization: Bearer %s\r\n", bytes.TrimSpace(token))
	all.own.write = func(set string, i int) []byte {
		return httpRequest("POST", address, "/v1/buckets/"+set+"/actions", all.header, []byte(action(i)))
	}
	all.own.read = func(set string, i int) []byte {
		return httpRequest("GET", address, "/v1/buckets/"+set+"/nodes/"+id(i), all.header, nil)
	}
	if all.client, err = api.NewClient(api.Options{Data: data, Address: address}); err != nil {
		return err
	}
	_, err = all.client.CreateBucket(ctx, api.Bucket{Name: written})
	return err
}

// openRedis starts Redis so that it answers a SET after its fsync; those that wait share one.
func (y *yard) openRedis(ctx context.Context) (*server, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	address, port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{
		name: redis, address: address, reply: redisReply,
		write: func(set string, i int) []byte { return redisRequest("SET", set+":"+id(i), action(i)) },
		read:  func(set string, i int) []byte { return redisRequest("GET", set+":"+id(i)) },
	}
	return s, y.start(ctx, s, program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
}

// openPocket starts PocketBase with a collection for each set; its own settings never wait for the disk, -full does at
// each commit.
func (y *yard) openPocket(ctx context.Context, name string, built func() (string, error), args ...string) (*server, error) {
	program, err := built()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	path := func(set string) string { return "/api/collections/" + set + "/records" }
	s := &server{
		name: name, address: address, reply: httpReply,
		write: func(set string, i int) []byte {
			return httpRequest("POST", address, path(set), "", fmt.Appendf(nil, `{"id":"%s",%s}`, id(i), properties(i)))
		},
		read: func(set string, i int) []byte { return httpRequest("GET", address, path(set)+"/"+id(i), "", nil) },
	}
	args = append([]string{"-data", filepath.Join(y.folder, name, "data"), "-listen", address}, args...)
	return s, y.start(ctx, s, program, args...)
}

// openPouch starts pouchdb-server as it comes: LevelDB, which does not wait for the disk.
func (y *yard) openPouch(ctx context.Context, sets []string) (*server, error) {
	script, err := absolute("node_modules/pouchdb-server/bin/pouchdb-server")
	if err != nil {
		return nil, err
	}
	address, port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{
		name: pouch, address: address, reply: httpReply,
		write: func(set string, i int) []byte {
			return httpRequest("PUT", address, "/"+set+"/"+id(i), "", fmt.Appendf(nil, `{%s}`, properties(i)))
		},
		read: func(set string, i int) []byte { return httpRequest("GET", address, "/"+set+"/"+id(i), "", nil) },
	}
	if err := y.start(ctx, s, "node", script, "--host", "127.0.0.1", "--port", port, "--dir", "data", "--no-stdout-logs"); err != nil {
		return nil, err
	}
	for _, set := range sets {
		if err := once(ctx, s, httpRequest("PUT", address, "/"+set, "", []byte("{}"))); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openBare starts this program anew, as a handler that answers what was put at a path.
func (y *yard) openBare(ctx context.Context) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{
		name: bare, address: address, reply: httpReply,
		read: func(set string, _ int) []byte { return httpRequest("GET", address, "/"+set, "", nil) },
	}
	return s, y.start(ctx, s, program, "-bare", address)
}
