// Command kafkafake serves franz-go's fake of a Kafka cluster, of one server and in memory, at the address that is its first argument,
// until it is killed. With a SASL mechanism as its second argument it wants a login: ada/secret may do all, guest/secret may read
// the topic share alone; and it takes messages of 64 KiB at most.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	if len(os.Args) != 2 && len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kafkafake HOST:PORT [MECHANISM]")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2:]...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

func serve(address string, mechanisms ...string) error {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, "share", "raw")}
	for _, m := range mechanisms {
		options = append(options, withLogins(m)...)
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return err
	}
	cluster.ControlKey(kmsg.SASLAuthenticate.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return refuse(r)
	})
	return nil
}

// refuse answers a wrong password of PLAIN as Kafka does. The fake ends the connection without a word.
func refuse(r kmsg.Request) (kmsg.Response, error, bool) {
	request, ok := r.(*kmsg.SASLAuthenticateRequest)
	if !ok || !bytes.HasSuffix(request.SASLAuthBytes, []byte("\x00wrong")) {
		return nil, nil, false
	}
	response := kmsg.NewPtrSASLAuthenticateResponse()
	response.Version, response.ErrorCode = request.Version, kerr.SaslAuthenticationFailed.Code
	return response, nil, true
}

func withLogins(mechanism string) []kfake.Opt {
	may := func(what kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "share", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: what, Allow: true}
	}
	return []kfake.Opt{
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser(mechanism, "ada", "secret"),
		kfake.User(mechanism, "guest", "secret", may(kmsg.ACLOperationRead), may(kmsg.ACLOperationDescribe)),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(64 << 10)}),
	}
}
