package remote

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Errors that every Storage answers with; test with errors.Is. What they wrap says what was tried.
var (
	// ErrNotExist: a Read found no file of that name. It proves nothing: the listing or the file may lag.
	ErrNotExist = errors.New("remote: no such file")
	// ErrName: a name or folder is not made of [a-z0-9.-] steps joined by "/", or is over 255 bytes (CheckName).
	ErrName = errors.New("remote: bad name")
	// ErrFull: no room is left for a write (507, quota, full disk).
	ErrFull = errors.New("remote: full")
	// ErrDenied: the login is missing, expired or lacks the right.
	ErrDenied = errors.New("remote: access denied")
	// ErrExpired is the ErrDenied of a login that is not taken, or not any more: it is wrong, ran out or was revoked.
	ErrExpired = fmt.Errorf("remote: the login is wrong or has expired: %w", ErrDenied)
	// ErrBusy: the remote asks for fewer requests (429, Retry-After).
	ErrBusy = errors.New("remote: too many requests")
	// ErrUnreachable: the remote cannot be reached, or its root is gone.
	ErrUnreachable = errors.New("remote: unreachable")
	// ErrVanished is the ErrUnreachable of a root that is gone: the place answers, and has no such folder.
	ErrVanished = fmt.Errorf("remote: the folder is gone: %w", ErrUnreachable)
	// ErrTwins: a List met two folders of one name, as Google Drive can hold. Files would be put into either.
	ErrTwins = errors.New("remote: two folders of one name")
	// ErrTooLarge: a file is over MaxFile bytes; neither read nor written.
	ErrTooLarge = errors.New("remote: file too large")
)

// MaxFile bounds what Read takes from a remote, in bytes.
const MaxFile = 64 << 20

// Object is one file as a listing shows it. Times and hashes are left out on purpose: they differ by backend.
type Object struct {
	Name string // path below the root, steps joined by "/": "log/abc.jsonl.gz"
	Size int64  // bytes as stored; -1 where the backend cannot say
}

// Storage is a flat set of immutable files on a place that promises little.
//
// A listing may lag, omit or show a name twice; nothing is atomic; every call may be retried; absence proves
// nothing. Calls may run at once and end when their context does, with its error. Names are paths below the root;
// every verb answers ErrName to a bad one. A call that fails wraps one of the errors above where it knows which;
// any other error is as good as ErrUnreachable: try again later. What Write's error leaves behind is unknown.
//
// A root that is gone (an unmounted disk, a deleted folder) is ErrVanished wherever the backend can tell it from an
// empty one, and is never made by a Write; object stores cannot tell.
type Storage interface {
	// List yields the files directly in folder ("" is the root), in no order, foreign names too. Folders are not
	// yielded, nor are unfinished uploads where they can be told. A folder that is not there lists as empty. After an
	// error the sequence ends, and what it yielded so far is no full listing. Two folders of one name end it in ErrTwins.
	List(ctx context.Context, folder string) iter.Seq2[Object, error]
	// Read answers the whole content, or ErrNotExist, or ErrTooLarge before it has taken more than MaxFile.
	Read(ctx context.Context, name string) ([]byte, error)
	// Write stores the content under name, whole or (detectably) not at all, making folders as needed.
	// A second Write of the same name and bytes succeeds; one of other bytes replaces the file. data is not kept.
	Write(ctx context.Context, name string, data []byte) error
	// Remove deletes the file; one that is not there is a success.
	Remove(ctx context.Context, name string) error
}
