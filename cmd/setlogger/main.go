package main

import (
	"context"
	"os"

	"github.com/setlogger/setlogger/remote"
)

// opener answers the storage at an rclone path.
type opener func(path string) remote.Storage

func main() {
	os.Exit(run(context.Background(), os.Args[1:], nil))
}
