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
	opened  []remote.Storage // what all its calls come down to
	place   *encrypted.Place // nil where the share is plain; without a key, it is closed
	share   *replica.Share   // its lane's
	lane    *lane
	stop    context.CancelFunc
	budget  *budget
	valve   *valve
	metered bool // it asks for money by the request

	indexed atomic.Int64            // indexes written since the start
	courier atomic.Pointer[courier] // nil: it has no channel
	moving  atomic.Pointer[move]    // its share, to another remote; nil: it stays
	movedTo atomic.Pointer[string]  // name of that remote, once the buckets went over

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
// steps back behind one that a person has named, and one that has moved behind the others.
func (d *Daemon) remotesFor(name string) ([]string, error) {
	if name != "" {
		_, err := d.remote(name)
		return []string{name}, err
	}
	var names []string
	for _, r := range d.allRemotes() {
		names = append(names, r.name)
	}
	if others := slices.DeleteFunc(slices.Clone(names), d.isLeft); len(others) > 0 {
		names = others
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
	storage, place := d.storageOf(r)
	hear, own := d.hearingOf(r, storage)
	held := &heldRemote{name: r.Name, path: r.Path, place: place, stop: stop, found: findings{share: r.Share}, budget: d.budgetOf(r), valve: &valve{}}
	held.valve.set(r.Paused)
	held.metered = d.o.ObjectStore(r.Path)
	held.storage = &countedStorage{storage, r.Name, d.metrics, own, held.budget, held.valve}
	held.opened = []remote.Storage{storage}
	if place != nil {
		held.opened = append(held.opened, place.Outer)
		place.Outer, place.Inner = &countedStorage{place.Outer, r.Name, d.metrics, nil, held.budget, held.valve}, held.storage
	}
	held.share = replica.NewShare(replica.Options{
		Storage: held.storage, Remote: r.Name, ID: r.Share, Logger: d.log, Key: d.key, Uptime: d.uptime.now, Progress: d.noteJoin,
	})
	held.lane = newLane(paceOf(isLocal(r.Path)), held.budget, func(ctx context.Context) (outcome, error) {
		began := time.Now()
		did, err := d.roundUnlessPaused(ctx, held)
		d.metrics.noteRound(ctx, held.name, began, err)
		d.storeSpent(held, false)
		return did, err
	})
	held.lane.changed = d.changed.ring
	d.mu.Lock()
	d.remotes[r.Name] = held
	d.mu.Unlock()
	d.changed.ring()
	if !held.budget.reached(time.Now()).IsZero() && d.remoteStatus(held).Pending > 0 {
		held.lane.noteAppend() // what was appended before waits for no budget
	}
	d.running.Go(func() {
		held.lane.run(ctx)
		d.metrics.forget(held.name)
	})
	if hear != nil {
		d.running.Go(func() { hear(ctx, held, own) })
	}
	d.carry(held, r.Notify)
	return held
}

// keepRemote changes what is stored of a remote; ErrMissing: it was removed meanwhile.
func (d *Daemon) keepRemote(r *heldRemote, change func(e *localstore.Remote)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.remotes[r.name] != r {
		return fmt.Errorf("%w: remote %s", localstore.ErrMissing, r.name)
	}
	entry, err := d.registry.Remote(r.name)
	if err != nil {
		return fmt.Errorf("read remote %s: %w", r.name, err)
	}
	change(&entry)
	return d.registry.PutRemote(entry)
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
	if err := d.checkChannel(wanted.Notify); err != nil {
		return nil, err
	}
	r, err := d.added(wanted, key)
	switch {
	case err == nil && r == nil:
		r, err = d.addNew(ctx, wanted, key)
	case err == nil:
		err = d.changeChannel(r, wanted.Notify)
	}
	if err != nil {
		return nil, refused(err)
	}
	return &answer[api.RemoteStatus]{d.remoteStatus(r)}, nil
}

// changeChannel gives a remote that is there another channel, or none; "" leaves it as it is.
func (d *Daemon) changeChannel(r *heldRemote, address string) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	return d.setChannel(r, address)
}

// addNew adds a remote unless another call has just done so.
func (d *Daemon) addNew(ctx context.Context, wanted api.Remote, key encrypted.Key) (*heldRemote, error) {
	if err := checkPath(wanted.Path); err != nil {
		return nil, err
	}
	if err := d.checkPlace(ctx, wanted.Path, key); err != nil {
		return nil, err
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // whoever wanted it has given up
	}
	if r, err := d.added(wanted, key); err != nil || r != nil {
		return r, err
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
		return nil, err
	}
	return d.hold(entry), nil
}

// added answers the remote that is the wanted one already; nil where there is none, and it clashes with none.
func (d *Daemon) added(wanted api.Remote, key encrypted.Key) (*heldRemote, error) {
	for _, r := range d.allRemotes() {
		switch {
		case r.name == wanted.Name && r.path == wanted.Path && (r.hasKey(key) || key.IsZero() && wanted.Notify != ""):
			return r, nil // a change of the channel needs no key
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
	if err := d.stopMoves(r); err != nil {
		return nil, refused(err)
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
	d.running.Go(func() {
		<-r.lane.ended
		remote.Close(r.opened...)
	})
	r.courier.Load().end()
	return nil, refused(d.registry.RemoveRemote(r.name))
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
