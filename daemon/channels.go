package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

// Channels knows the Pub/Sub services by which the devices of a share tell each other of changes. Errors of what makes calls wrap
// one of package remote.
type Channels struct {
	Check func(address string) error  // answers what is wrong with an address, with a hint; it makes no call
	Mask  func(address string) string // hides the login in it
	// Open opens the channel at an address, for a subscriber that is named by 32 hex digits and has no other one open.
	Open func(ctx context.Context, address, subscriber string) (remote.Channel, error)
	// SetUp makes what all devices share at the address, if it is missing.
	SetUp func(ctx context.Context, address string) error
	// TearDown removes what a subscriber left there, once its channel is closed; with all, what all devices left and share.
	TearDown func(ctx context.Context, address, subscriber string, all bool) error
}

const (
	// tryTime bounds the test of a channel.
	tryTime = time.Minute
	// resend is after how long the message of a test is sent again.
	resend = 2 * time.Second
)

// courierOf answers a remote that has a channel, with what carries it, and the id of this device.
func (d *Daemon) courierOf(name string) (r *heldRemote, c *courier, device string, err error) {
	if r, err = d.remote(name); err != nil {
		return nil, nil, "", err
	}
	if c = r.courier.Load(); c == nil {
		return nil, nil, "", problem(http.StatusConflict, "remote "+name+" has no channel", "name one by adding the remote again: setlogger remote add "+name+" PATH --notify URL")
	}
	known, err := d.registry.Device()
	if err != nil {
		return nil, nil, "", refused(err)
	}
	return r, c, known.ID, nil
}

// setUpChannel makes what the devices of a share have in common at the service of its channel, and tries it with a subscription of
// its own, beside the courier's.
func (d *Daemon) setUpChannel(ctx context.Context, in *remoteName) (*answer[api.RemoteTest], error) {
	r, courier, device, err := d.courierOf(in.Remote)
	if err != nil {
		return nil, err
	}
	inside, leave, ok := r.valve.enter(ctx)
	defer leave()
	if !ok {
		return nil, pausedError{r.name}.answer()
	}
	inside, cancel := context.WithTimeout(inside, tryTime)
	defer cancel()
	test := &channelTest{channels: d.o.Channels, remote: r.name, address: courier.address, subscriber: subscriberOf(device, r.name+"\x00test")}
	return &answer[api.RemoteTest]{test.run(inside)}, nil
}

// channelTest is one test of a channel.
type channelTest struct {
	channels                    *Channels
	remote, address, subscriber string

	steps []api.TestStep
}

// run goes on where the topic could not be made: another login may have made it.
func (t *channelTest) run(ctx context.Context) api.RemoteTest {
	made := t.step("topic", func() error { return t.channels.SetUp(ctx, t.address) })
	var channel remote.Channel
	ok := t.step("open", func() (err error) {
		channel, err = t.channels.Open(ctx, t.address, t.subscriber)
		return err
	})
	if ok {
		ok = t.step("message", func() error { return passThrough(ctx, channel) }) && // the first one takes what connecting takes
			t.step("trip", func() error { return passThrough(ctx, channel) })
		ok = t.step("close", channel.Close) && ok
	}
	return api.RemoteTest{OK: made && ok, Steps: t.steps}
}

// passThrough sends a message until it comes back: at some services a subscription that was just made misses the first ones. To
// others it is noise.
func passThrough(ctx context.Context, channel remote.Channel) error {
	sent := make([]byte, 32)
	_, _ = rand.Read(sent) // never fails
	ctx, stop := context.WithCancelCause(ctx)
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			if err := channel.Send(ctx, sent); err != nil {
				stop(err)
			}
			if !rest(ctx, resend) {
				return
			}
		}
	})
	err := hear(ctx, channel, sent)
	stop(err)
	sending.Wait()
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// hear receives until a message comes.
func hear(ctx context.Context, channel remote.Channel, message []byte) error {
	for {
		got, err := channel.Receive(ctx)
		if err != nil || bytes.Equal(got, message) {
			return err
		}
	}
}

func (t *channelTest) step(name string, call func() error) bool {
	step := tried(name, call, func(err error) (problem, hint string) { return notifyUnreachable, channelHint(err, t.remote) })
	t.steps = append(t.steps, step)
	return step.OK
}

type channelEnd struct {
	Remote string `path:"remote" doc:"Name of the remote"`
	All    bool   `query:"all" doc:"Also remove the topic, and what other devices left there"`
}

// tearDownChannel takes a remote's channel away, and what this device has at its service. When that fails, the channel stays.
func (d *Daemon) tearDownChannel(ctx context.Context, in *channelEnd) (*struct{}, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	r, courier, device, err := d.courierOf(in.Remote)
	if err != nil {
		return nil, err
	}
	courier.end()
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := d.o.Channels.TearDown(ctx, courier.address, subscriberOf(device, r.name), in.All); err != nil {
		d.carry(r, courier.address)
		return nil, channelRefused(err, r.name)
	}
	if err := d.keepRemote(r, func(e *localstore.Remote) { e.Notify = "" }); err != nil {
		d.carry(r, courier.address)
		return nil, refused(err)
	}
	d.changed.ring()
	return nil, nil
}

// channelRefused is how a caller hears of what a service refused.
func channelRefused(err error, name string) error {
	status := http.StatusBadGateway
	if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	return problem(status, plain(err), channelHint(err, name))
}
