package api_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/daemon"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// start runs a daemon in this process, as `setlogger serve` runs one on a machine; a program of yours calls that one, and
// begins with api.NewClient(api.Options{}).
func start() (client *api.Client, stop func()) {
	data, err := os.MkdirTemp("", "example")
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan daemon.Ready, 1), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			Data: filepath.Join(data, "data"), Listen: "127.0.0.1:0",
			Open:  func(path string) remote.Storage { return disk.New(path) },
			Make:  func(_ context.Context, path string) error { return disk.Make(path) },
			Ready: func(r daemon.Ready) { ready <- r },
		})
	}()
	select {
	case r := <-ready:
		client, err = api.NewClient(api.Options{Data: r.Data, UserAgent: "example/1"})
	case err = <-ended:
	}
	check(err)
	_, err = client.CreateBucket(ctx, api.Bucket{Name: "todos"})
	check(err)
	return client, func() {
		cancel()
		check(<-ended)
		check(os.RemoveAll(data))
	}
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func Example() {
	client, stop := start() // api.NewClient(api.Options{}) in a program of yours
	defer stop()
	ctx := context.Background()
	_, err := client.Append(ctx, "todos", []byte(`{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}`), api.AppendOptions{})
	check(err)
	node, err := client.Node(ctx, "todos", "1")
	check(err)
	fmt.Println(node.ID, string(node.Value))
	// Output: 1 {"title":"Milk"}
}

func ExampleError() {
	client, stop := start()
	defer stop()
	_, err := client.Node(context.Background(), "todos", "none")
	fmt.Println(errors.Is(err, api.ErrNotFound))
	if refusal, ok := errors.AsType[*api.Error](err); ok {
		fmt.Println(refusal.Status, refusal.Detail)
	}
	// Output:
	// true
	// 404 there is no node "none" in bucket todos
}

// A value that was read is written back only if nobody else wrote meanwhile.
func ExampleClient_Append() {
	client, stop := start()
	defer stop()
	ctx := context.Background()
	made, err := client.Append(ctx, "todos", []byte(`{"type":"CREATE_NODE","id":"1","properties":{"left":2}}`), api.AppendOptions{})
	check(err)
	for range 2 {
		_, err = client.Append(ctx, "todos", []byte(`{"type":"SET_PROPERTY","id":"1","property":"left","value":1}`), api.AppendOptions{IfMatch: made.Revs["1"]})
		fmt.Println(errors.Is(err, api.ErrChanged))
	}
	// Output:
	// false
	// true
}

func ExampleClient_AllNodes() {
	client, stop := start()
	defer stop()
	ctx := context.Background()
	for _, id := range []string{"b", "a", "c"} {
		_, err := client.Append(ctx, "todos", fmt.Appendf(nil, `{"type":"CREATE_NODE","id":%q,"properties":{"done":%t}}`, id, id == "b"), api.AppendOptions{})
		check(err)
	}
	for node, err := range client.AllNodes(ctx, "todos", api.Query{Order: "id", Where: []string{"done:eq:false"}}) {
		check(err)
		fmt.Println(node.ID)
	}
	// Output:
	// a
	// c
}

// A copy of a bucket in memory that stays as the bucket is.
func ExampleClient_Watch() {
	client, stop := start()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := client.Append(ctx, "todos", []byte(`{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}`), api.AppendOptions{})
	check(err)
	nodes := map[string]string{}
	for event, err := range client.Watch(ctx, "todos", "") {
		check(err)
		if event.Type == api.EventReset {
			clear(nodes)
		}
		for _, node := range event.Nodes {
			if node.Deleted {
				delete(nodes, node.ID)
			} else {
				nodes[node.ID] = string(node.Value)
			}
		}
		if event.Type == api.EventReady { // nodes are as the bucket was at event.Place
			fmt.Println(nodes)
			break
		}
	}
	// Output: map[1:{"title":"Milk"}]
}
