// Command googlefake serves Google's own fake of Cloud Pub/Sub, in memory, at the address that is its argument, until it is killed.
package main

import (
	"fmt"
	"os"
	"time"

	"cloud.google.com/go/pubsub/v2/pstest"
)

// streamTime is how long a stream of messages lasts; at Google half an hour.
const streamTime = 12 * time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: googlefake HOST:PORT")
		os.Exit(2)
	}
	pstest.NewServerWithAddress(os.Args[1]).SetStreamTimeout(streamTime)
	select {}
}
