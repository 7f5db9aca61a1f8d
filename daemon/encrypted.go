package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
)

// errNoKey: the registry knows a remote as encrypted and has no key for it.
var errNoKey = errors.New("the recovery key of this encrypted remote is missing on this device")

// storageOf answers what a remote's share is read from and written to. An encrypted one without its key is closed.
func (d *Daemon) storageOf(r localstore.Remote) (remote.Storage, *encrypted.Place) {
	if !r.Encrypted {
		return d.o.Open(r.Path), nil
	}
	key, err := d.keyOf(r.Name)
	if err == nil {
		var place encrypted.Place
		if place, err = d.placeOf(r.Path, key); err == nil {
			return place.Inner, &place
		}
	}
	return closed{err}, &encrypted.Place{Outer: closed{err}, Inner: closed{err}}
}

func (d *Daemon) keyOf(name string) (encrypted.Key, error) {
	text, err := d.registry.RemoteKey(name)
	if errors.Is(err, localstore.ErrMissing) {
		return encrypted.Key{}, errNoKey
	}
	if err != nil {
		return encrypted.Key{}, err
	}
	return encrypted.ParseKey(text)
}

// placeOf makes no call yet.
func (d *Daemon) placeOf(path string, key encrypted.Key) (encrypted.Place, error) {
	inner, err := d.innerPath(path, key)
	if err != nil {
		return encrypted.Place{}, err
	}
	return encrypted.Place{Key: key, Outer: d.o.Open(path), Inner: d.o.Open(inner)}, nil
}

func (d *Daemon) innerPath(path string, key encrypted.Key) (string, error) {
	if d.o.Encrypt == nil {
		return "", errors.New("this daemon cannot encrypt")
	}
	password, salt := key.Crypt()
	return d.o.Encrypt(path, encrypted.Folder, password, salt)
}

// closed is a Storage of which nothing is read and to which nothing is written.
type closed struct{ err error }

func (c closed) List(context.Context, string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) { yield(remote.Object{}, c.err) }
}
func (c closed) Read(context.Context, string) ([]byte, error) { return nil, c.err }
func (c closed) Write(context.Context, string, []byte) error  { return c.err }
func (c closed) Remove(context.Context, string) error         { return c.err }

// prepare makes the folder of a share that was not reached yet, unless the place is one for another key, or for none.
func (d *Daemon) prepare(ctx context.Context, r *heldRemote) error {
	if r.place == nil {
		if err := d.o.Make(ctx, r.path); err != nil {
			return err
		}
		return encrypted.CheckPlain(ctx, r.storage)
	}
	if r.place.Key.IsZero() {
		return r.place.Check(ctx)
	}
	if err := d.o.Make(ctx, r.path); err != nil {
		return err
	}
	if err := r.place.Claim(ctx); err != nil {
		return err
	}
	inner, err := d.innerPath(r.path, r.place.Key)
	if err != nil {
		return err
	}
	return d.o.Make(ctx, inner)
}

// placeTime bounds the look at a place that is about to be added.
const placeTime = 3 * time.Second

// checkPlace refuses a place where a share of another kind, or of another key, is seen to stand. What does not answer soon,
// or fails for another reason, is told by the rounds. A zero key stands for a plain share.
func (d *Daemon) checkPlace(ctx context.Context, path string, key encrypted.Key) error {
	check, end, err := d.checkOf(path, key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, placeTime)
	defer cancel()
	answers := make(chan error, 1)
	d.running.Go(func() { // a backend may hang, whatever the context
		defer end()
		answers <- check(ctx)
	})
	select {
	case err := <-answers:
		if placeProblem(err) != "" {
			return err
		}
	case <-ctx.Done():
	}
	return nil
}

// checkOf opens a place for a look, and answers what looks and what ends it.
func (d *Daemon) checkOf(path string, key encrypted.Key) (check func(ctx context.Context) error, end func(), err error) {
	if key.IsZero() {
		storage := d.o.Open(path)
		return func(ctx context.Context) error { return encrypted.CheckPlain(ctx, storage) }, func() { remote.Close(storage) }, nil
	}
	place, err := d.placeOf(path, key)
	if err != nil {
		return nil, nil, err
	}
	return place.Check, func() { remote.Close(place.Outer, place.Inner) }, nil
}

// placeProblem names why a place is refused; "" for all other errors.
func placeProblem(err error) string {
	for _, known := range []struct {
		is   error
		name string
	}{
		{encrypted.ErrWrongKey, wrongKey},
		{encrypted.ErrEncrypted, shareEncrypted},
		{encrypted.ErrPlain, sharePlain},
		{encrypted.ErrForeign, folderNotEmpty},
		{encrypted.ErrNewer, updateNeeded},
		{encrypted.ErrDamaged, brokenFile},
		{errNoKey, keyMissing},
	} {
		if errors.Is(err, known.is) {
			return known.name
		}
	}
	return ""
}

// placeHint is what to do about it.
func placeHint(err error) string {
	if placeProblem(err) == "" {
		return ""
	}
	return answerOf(err).Hint
}

// wantedKey reads the key that a remote is to be added with; zero for a plain one.
func wantedKey(wanted api.Remote) (encrypted.Key, error) {
	const hint = "POST /v1/keys makes one, for a new share; a share that is there has its own: send it as key, with encrypt"
	switch {
	case wanted.Encrypt && wanted.Key == "":
		return encrypted.Key{}, problem(http.StatusUnprocessableEntity, "an encrypted remote needs a recovery key", hint)
	case !wanted.Encrypt && wanted.Key != "":
		return encrypted.Key{}, problem(http.StatusUnprocessableEntity, "a recovery key came for a remote that is not to be encrypted", "send encrypt: true with it")
	case !wanted.Encrypt:
		return encrypted.Key{}, nil
	}
	return encrypted.ParseKey(wanted.Key)
}

// newKey makes a key for a place where an encrypted share can be made. Nothing is kept.
func (d *Daemon) newKey(ctx context.Context, in *struct{ Body api.KeyRequest }) (*answer[api.RecoveryKey], error) {
	if r, err := d.added(api.Remote{Name: in.Body.Name, Path: in.Body.Path}, encrypted.Key{}); err != nil {
		return nil, err
	} else if r != nil {
		return nil, problem(http.StatusConflict, "this place is remote "+r.name+" already, which is not encrypted", "choose an empty folder")
	}
	key, err := encrypted.NewKey(rand.Reader)
	if err == nil && in.Body.Path != "" {
		err = d.checkNew(ctx, in.Body.Path, key)
	}
	if err != nil {
		return nil, refused(err)
	}
	return &answer[api.RecoveryKey]{api.RecoveryKey{Key: key.Text()}}, nil
}

// checkNew refuses a place where no share of a new key can be made.
func (d *Daemon) checkNew(ctx context.Context, path string, key encrypted.Key) error {
	if err := checkPath(path); err != nil {
		return err
	}
	err := d.checkPlace(ctx, path, key)
	if errors.Is(err, encrypted.ErrWrongKey) {
		err = encrypted.ErrEncrypted // of which a new key can't be
	}
	return err
}

// showKey shows the key of a remote's share again, to the owner.
func (d *Daemon) showKey(_ context.Context, in *remoteName) (*answer[api.RecoveryKey], error) {
	r, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	if r.place == nil {
		return nil, problem(http.StatusNotFound, fmt.Sprintf("remote %s is not encrypted", r.name), "setlogger remote list tells which are")
	}
	key, err := d.keyOf(r.name)
	if err != nil {
		return nil, refused(err)
	}
	return &answer[api.RecoveryKey]{api.RecoveryKey{Key: key.Text()}}, nil
}
