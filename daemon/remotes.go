package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
	"github.com/setlogger/setlogger/replica"
)

// embedded is the remote that a daemon without configuration makes in its own data folder.
const embedded = "local"

// heldRemote is a remote with its lane.
type heldRemote struct {
	name    string
	path    string
	storage remote.Storage
	place   *encrypted.Place // nil where the share is plain; without a key, it is closed
	share   *replica.Share   // its lane's
	lane    *lane
	stop    context.CancelFunc
	budget  *budget
	valve   *valve

	indexed atomic.Int64            // indexes written since the start
	courier atomic.Pointer[courier] // nil: it has no channel

	mu    sync.Mutex
	found findings
}

// remoteName is the path of calls on one remote.
type remoteName struct {
	Remote string `path:"remote" doc:"Name of the remote"`
}

func (d *Daemon) remote(name string) (*heldRemote, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if r := d.remotes[name]; r != nil {
		return r, nil
	}
	return nil, problem(http.StatusNotFound, fmt.Sprintf("there is no remote %q", name), "name one with `setlogger remote add`; `setlogger remote list` shows all")
}

// allRemotes answers the remotes in the order of their names.
func (d *Daemon) allRemotes() []*heldRemote {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]*heldRemote, 0, len(d.remotes))
	for _, r := range d.remotes {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *heldRemote) int { return cmp.Compare(a.name, b.name) })
	return all
}

// remotesFor tells which remotes a new bucket syncs with: the one that is named, else the only one. The embedded one
// steps back behind one that a person has named.
func (d *Daemon) remotesFor(name string) ([]string, error) {
	if name != "" {
		_, err := d.remote(name)
		return []string{name}, err
	}
	var names []string
	for _, r := range d.allRemotes() {
		names = append(names, r.name)
	}
	if others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == embedded }); len(others) > 0 {
		names = others
	}
	if len(names) > 1 {
		return nil, problem(http.StatusConflict, "there are several remotes: "+strings.Join(names, ", "), "name one of them with --remote")
	}
	return names, nil
}

func (d *Daemon) openRemotes() error {
	all, err := d.registry.Remotes()
	if err != nil {
		return err
	}
	for _, r := range all {
		d.hold(r)
	}
	return nil
}

// hold starts the lane of a remote.
func (d *Daemon) hold(r localstore.Remote) *heldRemote {
	ctx, stop := context.WithCancel(d.lanes)
	var own *echoes
	if d.o.Watch != nil && isLocal(r.Path) && !r.Encrypted { // below crypt, names tell nothing
		own = &echoes{}
	}
	storage, place := d.storageOf(r)
	held := &heldRemote{name: r.Name, path: r.Path, place: place, stop: stop, found: findings{share: r.Share}, budget: &budget{limit: r.Budget}, valve: &valve{}}
	held.valve.set(r.Paused)
	held.storage = &countedStorage{storage, r.Name, d.metrics, own, held.budget, held.valve}
	held.share = replica.NewShare(replica.Options{
		Storage: held.storage, Remote: r.Name, ID: r.Share, Logger: d.log, Key: d.key, Uptime: d.uptime.now, Progress: d.noteJoin,
	})
	held.lane = newLane(paceOf(isLocal(r.Path)), held.budget, func(ctx context.Context) (outcome, error) {
		began := time.Now()
		did, err := d.roundUnlessPaused(ctx, held)
		d.metrics.noteRound(ctx, held.name, began, err)
		return did, err
	})
	held.lane.changed = d.changed.ring
	d.mu.Lock()
	d.remotes[r.Name] = held
	d.mu.Unlock()
	d.changed.ring()
	d.running.Go(func() {
		held.lane.run(ctx)
		d.metrics.forget(held.name)
	})
	if own != nil {
		d.running.Go(func() { d.watch(ctx, held, own) })
	}
	d.carry(held, r.Notify)
	return held
}

// isLocal tells whether a path is a folder of this machine, as far as its text shows.
func isLocal(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(path, "./") || !strings.Contains(path, ":")
}

func (d *Daemon) listRemotes(context.Context, *struct{}) (*answer[api.Remotes], error) {
	return &answer[api.Remotes]{d.remoteStatuses()}, nil
}

func (d *Daemon) addRemote(ctx context.Context, in *struct{ Body api.Remote }) (*answer[api.RemoteStatus], error) {
	wanted := in.Body
	key, err := wantedKey(wanted)
	if err != nil {
		return nil, refused(err)
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	if r, err := d.added(wanted, key); err != nil {
		return nil, err
	} else if r != nil {
		if err := d.setChannel(r, wanted.Notify); err != nil {
			return nil, err
		}
		return &answer[api.RemoteStatus]{d.remoteStatus(r)}, nil
	}
	if err := d.checkChannel(wanted.Notify); err != nil {
		return nil, err
	}
	if err := checkPath(wanted.Path); err != nil {
		return nil, err
	}
	if err := d.checkPlace(ctx, wanted.Path, key); err != nil {
		return nil, refused(err)
	}
	entry := localstore.Remote{Name: wanted.Name, Path: wanted.Path, Created: d.now(), Encrypted: wanted.Encrypt}
	if wanted.Notify != noChannel {
		entry.Notify = wanted.Notify
	}
	put := func() error { return d.registry.PutRemote(entry) }
	if entry.Encrypted {
		put = func() error { return d.registry.PutEncrypted(entry, key.Text()) }
	}
	if err := put(); err != nil {
		return nil, refused(err)
	}
	return &answer[api.RemoteStatus]{d.remoteStatus(d.hold(entry))}, nil
}

// added answers the remote that is the wanted one already; nil where there is none, and it clashes with none.
func (d *Daemon) added(wanted api.Remote, key encrypted.Key) (*heldRemote, error) {
	for _, r := range d.allRemotes() {
		switch {
		case r.name == wanted.Name && r.path == wanted.Path && r.hasKey(key):
			return r, nil
		case r.name == wanted.Name && r.path == wanted.Path:
			return nil, problem(http.StatusConflict, fmt.Sprintf("remote %s is there already, with another recovery key or without one", r.name), "remove that one first; what is on it stays")
		case r.name == wanted.Name:
			return nil, problem(http.StatusConflict, fmt.Sprintf("remote %s is another place: %s", r.name, d.o.Mask(r.path)), "choose another name, or remove that one first")
		case r.path == wanted.Path:
			return nil, problem(http.StatusConflict, "this place is remote "+r.name+" already", "use that name")
		}
	}
	return nil, nil
}

// hasKey compares the key of a remote's share; zero stands for that of a plain one.
func (r *heldRemote) hasKey(key encrypted.Key) bool {
	if r.place == nil {
		return key.IsZero()
	}
	return !key.IsZero() && r.place.Key.Equal(key)
}

// checkPath refuses what rclone would take for something else, without repeating it: there may be secrets in it.
func checkPath(path string) error {
	switch {
	case path == "":
		return problem(http.StatusUnprocessableEntity, "the remote has no path", "give any path rclone accepts: name:folder, or a local folder")
	case strings.Contains(path, "=http://"), strings.Contains(path, "=https://"):
		return problem(http.StatusUnprocessableEntity, "rclone ends an unquoted value at its first colon", `put it into quotes: :s3,endpoint="https://…",…:bucket/folder`)
	}
	return nil
}

// removeRemote forgets a remote. What was to go there stays in the buckets.
func (d *Daemon) removeRemote(_ context.Context, in *remoteName) (*struct{}, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	r, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	for _, b := range d.allBuckets() {
		if err := d.detach(b, r.name); err != nil {
			return nil, refused(err)
		}
	}
	d.mu.Lock()
	delete(d.remotes, r.name)
	d.mu.Unlock()
	d.changed.ring()
	r.stop()
	r.courier.Load().end()
	return nil, refused(d.registry.RemoveRemote(r.name))
}

func (d *Daemon) detach(b *heldBucket, name string) error {
	rest := slices.DeleteFunc(slices.Clone(b.remotes), func(n string) bool { return n == name })
	if len(rest) == len(b.remotes) {
		return nil
	}
	entry, err := d.registry.Bucket(b.Name())
	if err != nil {
		return err
	}
	entry.Remotes = rest
	if err := d.registry.PutBucket(entry); err != nil {
		return err
	}
	d.mu.Lock()
	b.remotes = rest
	d.mu.Unlock()
	return nil
}

func (d *Daemon) syncRemote(ctx context.Context, in *remoteName) (*answer[api.RemoteStatus], error) {
	r, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	if err := d.settle(ctx, r); err != nil {
		return nil, syncError(r.name, err)
	}
	return &answer[api.RemoteStatus]{d.remoteStatus(r)}, nil
}

// settle makes rounds until the remote has shown all that was appended before: one to send it, one to see it there.
func (d *Daemon) settle(ctx context.Context, r *heldRemote) error {
	for range 3 {
		if err := r.lane.sync(ctx); err != nil {
			return err
		}
		if d.remoteStatus(r).Pending == 0 {
			return nil
		}
	}
	return nil
}

// syncAll makes a round with every remote at once. Which of them failed is in the answer.
func (d *Daemon) syncAll(ctx context.Context, _ *struct{}) (*answer[api.Remotes], error) {
	var rounds sync.WaitGroup
	for _, r := range d.allRemotes() {
		rounds.Go(func() { _ = d.settle(ctx, r) }) // the status has its error
	}
	rounds.Wait()
	if err := ctx.Err(); err != nil {
		return nil, refused(err)
	}
	return &answer[api.Remotes]{d.remoteStatuses()}, nil
}

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
	start := time.Now()
	err := call()
	step := api.TestStep{Name: name, OK: err == nil, Took: time.Since(start).Round(time.Millisecond / 10).String()}
	if err != nil {
		step.Error, step.Hint = plain(err), cmp.Or(remote.Hint(err), placeHint(err), "look at the remote's path and settings")
	}
	t.steps = append(t.steps, step)
	return step.OK
}
