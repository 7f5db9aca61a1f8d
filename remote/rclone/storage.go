package rclone

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/list"
	"github.com/rclone/rclone/fs/object"
	"github.com/rclone/rclone/fs/operations"

	"github.com/setlogger/setlogger/remote"
)

// unfinished ends the names of uploads under way.
const unfinished = ".partial"

// List takes the whole listing, then yields it. Two folders of one name there are an error: rclone would use either.
func (s *storage) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		entries, err := s.list(ctx, folder)
		if err != nil {
			yield(remote.Object{}, s.fail(ctx, "list", folder, err))
			return
		}
		for _, e := range entries {
			if _, file := e.(fs.Object); !file || strings.HasSuffix(e.Remote(), unfinished) {
				continue
			}
			if !yield(remote.Object{Name: e.Remote(), Size: e.Size()}, nil) {
				return
			}
		}
		if twin := twinOf(entries); twin != "" {
			yield(remote.Object{}, s.fail(ctx, "list", folder, fmt.Errorf("%w: %s/", remote.ErrTwins, twin)))
		}
	}
}

// twinOf answers the name of two folders, "" where each has its own. The entries are sorted.
func twinOf(entries fs.DirEntries) string {
	last := ""
	for _, e := range entries {
		if _, folder := e.(fs.Directory); !folder {
			continue
		}
		if e.Remote() == last {
			return last
		}
		last = e.Remote()
	}
	return ""
}

func (s *storage) list(ctx context.Context, folder string) (fs.DirEntries, error) {
	f, ctx, end, err := s.begin(ctx, remote.CheckFolder(folder))
	defer end()
	if err != nil {
		return nil, err
	}
	entries, err := retry(ctx, s.library, func() (fs.DirEntries, error) { return list.DirSorted(ctx, f, true, folder) })
	if !errors.Is(err, fs.ErrorDirNotFound) {
		return entries, err
	}
	// The folder is not there; an error if the root is not either.
	if _, err := list.DirSorted(ctx, f, true, ""); err != nil {
		return nil, err
	}
	return nil, nil
}

// Read answers the content as it is downloaded in one piece.
func (s *storage) Read(ctx context.Context, name string) ([]byte, error) {
	f, call, end, err := s.begin(ctx, remote.CheckName(name))
	defer end()
	if err != nil {
		return nil, s.fail(ctx, "read", name, err)
	}
	data, err := retry(call, s.library, func() ([]byte, error) { return read(call, f, name) })
	return data, s.fail(ctx, "read", name, err)
}

func read(ctx context.Context, f fs.Fs, name string) (data []byte, err error) {
	o, err := find(ctx, f, name)
	if err != nil {
		return nil, err
	}
	if o.Size() > remote.MaxFile {
		return nil, remote.ErrTooLarge
	}
	in, err := o.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := in.Close(); err == nil {
			err = e
		}
	}()
	data, err = io.ReadAll(io.LimitReader(in, remote.MaxFile+1))
	if err == nil && len(data) > remote.MaxFile {
		return nil, remote.ErrTooLarge
	}
	return data, err
}

// Write uploads the content. Where the backend would show half a file, it goes to a name of its own first.
func (s *storage) Write(ctx context.Context, name string, data []byte) error {
	if len(data) > remote.MaxFile {
		return s.fail(ctx, "write", name, remote.ErrTooLarge)
	}
	f, call, end, err := s.begin(ctx, remote.CheckName(name))
	defer end()
	if err != nil {
		return s.fail(ctx, "write", name, err)
	}
	base := fs.UnWrapFs(f)
	if base.Features().IsLocal {
		// rclone would make the root anew, on the disk below one that is not mounted.
		if _, err := os.Stat(base.Root()); err != nil {
			return s.fail(ctx, "write", name, errors.Join(remote.ErrUnreachable, err))
		}
	}
	// Of its own for this very call: two devices may upload the same file at once.
	suffix := "." + strings.ToLower(rand.Text()[:6]) + unfinished
	uploading, ci := fs.AddConfig(call)
	ci.PartialSuffix = suffix
	data = bytes.Clone(data) // the caller has it back when the context ends, and the upload may not have noticed yet
	_, err = retry(call, s.library, func() (fs.Object, error) {
		o, err := upload(uploading, f, name, data)
		if err != nil && ctx.Err() != nil { // not when the remote wants to be left alone
			clean(call, f, path.Dir(name), suffix)
		}
		return o, err
	})
	return s.fail(ctx, "write", name, err)
}

func upload(ctx context.Context, f fs.Fs, name string, data []byte) (fs.Object, error) {
	var there fs.Object
	if f.Features().DuplicateFiles {
		// Such a backend would keep two files of this name.
		o, err := f.NewObject(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrorObjectNotFound) && !errors.Is(err, fs.ErrorDirNotFound) {
			return nil, err
		}
		there = o
	}
	// The time is of no use, and one that is the same everywhere tells nothing about the device.
	o, err := operations.Copy(ctx, f, there, name, object.NewMemoryObject(name, time.Unix(0, 0), data))
	if err != nil {
		return nil, err
	}
	return o, syncLocal(o)
}

// syncLocal waits until a file that rclone has put on this machine's disk, below crypt or the like, is on it.
func syncLocal(o fs.Object) error {
	base := fs.UnWrapObject(o)
	f, ok := base.Fs().(fs.Fs)
	if !ok || !f.Features().IsLocal {
		return nil
	}
	file := filepath.Join(f.Root(), filepath.FromSlash(base.Remote()))
	for _, name := range []string{file, filepath.Dir(file)} {
		if err := syncName(name); err != nil {
			return err
		}
	}
	return nil
}

// clean removes what an upload whose context ended has left, since rclone can't under that context.
func clean(ctx context.Context, f fs.Fs, folder, suffix string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if folder == "." {
		folder = ""
	}
	entries, err := list.DirSorted(ctx, f, true, folder)
	if err != nil {
		return // it is left; List does not show it
	}
	for _, e := range entries {
		if o, file := e.(fs.Object); file && strings.HasSuffix(o.Remote(), suffix) {
			_ = o.Remove(ctx)
		}
	}
}

// Remove deletes the file for good where the backend can.
func (s *storage) Remove(ctx context.Context, name string) error {
	f, call, end, err := s.begin(ctx, remote.CheckName(name))
	defer end()
	if err != nil {
		return s.fail(ctx, "remove", name, err)
	}
	_, err = retry(call, s.library, func() (struct{}, error) {
		o, err := find(call, f, name)
		if err == nil {
			err = o.Remove(call)
		}
		return struct{}{}, err
	})
	if errors.Is(kindOf(err), remote.ErrNotExist) {
		return nil
	}
	return s.fail(ctx, "remove", name, err)
}

// find answers the file; object stores are asked nothing for it.
func find(ctx context.Context, f fs.Fs, name string) (fs.Object, error) {
	o, err := f.NewObject(ctx, name)
	if errors.Is(err, fs.ErrorDirNotFound) {
		return nil, errNoFolder
	}
	return o, err
}

// begin opens the Fs for one call and marks the context as one whose errors are answered. The caller must call end,
// in case of an error too.
func (s *storage) begin(ctx context.Context, nameErr error) (f fs.Fs, call context.Context, end func(), err error) {
	call, end = context.WithValue(ctx, answered{}, true), func() {}
	if err := errors.Join(nameErr, ctx.Err(), s.resting()); err != nil {
		return nil, call, end, err
	}
	o, err := s.fs(call)
	if err != nil {
		return nil, call, end, err
	}
	call, end = o.while(call)
	return o.Fs, call, end, nil
}
