package daemon

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
)

// testRemote makes each call once, on a file of its own.
func (d *Daemon) testRemote(ctx context.Context, in *remoteName) (*answer[api.RemoteTest], error) {
	r, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	return &answer[api.RemoteTest]{d.tryRemote(ctx, r, time.Minute)}, nil
}

func (d *Daemon) tryRemote(ctx context.Context, r *heldRemote, limit time.Duration) api.RemoteTest {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	test := &remoteTest{storage: r.storage, place: r.place, name: fmt.Sprintf("test.%d.txt", d.now().UnixNano())}
	return test.run(ctx)
}

// remoteTest is one test of a remote.
type remoteTest struct {
	storage remote.Storage
	place   *encrypted.Place // nil: plain
	name    string
	steps   []api.TestStep
}

func (t *remoteTest) run(ctx context.Context) api.RemoteTest {
	content := []byte("SetLogger was here to test this remote. The file can be deleted.\n")
	if t.place != nil && !t.step("key", func() error { return t.place.Check(ctx) }) {
		return api.RemoteTest{Steps: t.steps}
	}
	ok := t.step("write", func() error { return t.storage.Write(ctx, t.name, content) })
	if ok {
		read := t.step("read", func() error {
			got, err := t.storage.Read(ctx, t.name)
			if err == nil && string(got) != string(content) {
				err = fmt.Errorf("it answered %d bytes that were never written", len(got))
			}
			return err
		})
		listed := t.step("list", func() error { return t.find(ctx) })
		removed := t.step("remove", func() error { return t.storage.Remove(ctx, t.name) })
		ok = read && listed && removed
	}
	return api.RemoteTest{OK: ok, Steps: t.steps}
}

func (t *remoteTest) find(ctx context.Context) error {
	for object, err := range t.storage.List(ctx, "") {
		if err != nil {
			return err
		}
		if object.Name == t.name {
			return nil
		}
	}
	return fmt.Errorf("the listing does not show the file that was written")
}

func (t *remoteTest) step(name string, call func() error) bool {
	step := tried(name, call, func(err error) (problem, hint string) {
		return problemOf("", err).Name, cmp.Or(remote.Hint(err), placeHint(err), "look at the remote's path and settings")
	})
	t.steps = append(t.steps, step)
	return step.OK
}

// tried makes one call of a test; why tells what an error is named, and what to do about it.
func tried(name string, call func() error, why func(err error) (problem, hint string)) api.TestStep {
	start := time.Now()
	err := call()
	step := api.TestStep{Name: name, OK: err == nil, Took: time.Since(start).Round(time.Millisecond / 10).String()}
	if err != nil {
		step.Error = plain(err)
		step.Problem, step.Hint = why(err)
	}
	return step
}
