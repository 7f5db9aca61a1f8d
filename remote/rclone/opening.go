package rclone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/cache"
	"github.com/rclone/rclone/fs/fspath"
	"github.com/rclone/rclone/fs/list"

	"github.com/setlogger/setlogger/remote"
)

// storage is a remote.Storage over one rclone Fs, opened by the first call.
type storage struct {
	library *Library
	path    string
	making  bool // the root may be missing: it is about to be made

	opening chan struct{} // holds one while a call opens
	mu      sync.Mutex
	opened  *opened
	closed  bool
	busy    time.Time // until when the remote wants to be left alone
}

// tries is how often a call tries what may pass by itself.
const tries = 3

// fs answers the opened Fs, or opens it, once whatever the number of callers.
func (s *storage) fs(ctx context.Context) (*opened, error) {
	if f := s.get(); f != nil {
		return f, nil
	}
	select {
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if f := s.get(); f != nil {
		return f, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Apart from the caller's context, which some backends keep for their whole life; when that context ends first, the
	// Fs is there for the next call.
	apart := context.WithoutCancel(ctx)
	return retry(ctx, s.library, func() (*opened, error) { return s.newFs(apart) })
}

func (s *storage) get() *opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// await answers what work does, or the context's error as soon as it ends: rclone sleeps between tries, and some
// backends wait without looking at it. The work goes on until it notices, and Stop waits for it.
func await[T any](ctx context.Context, l *Library, work func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	answers := make(chan answer, 1)
	err := l.spawn(func() {
		value, err := work()
		answers <- answer{value, err}
	})
	if err != nil {
		return none, err
	}
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

func (s *storage) newFs(ctx context.Context) (*opened, error) {
	if err := s.settingsProblem(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	untrack, ok := s.library.track(cancel)
	if !ok {
		cancel()
		return nil, errStopped
	}
	f, err := fs.NewFs(ctx, closedRoot(s.path))
	if errors.Is(err, fs.ErrorIsFile) {
		// Not to be used: it is the parent's Fs. It means a file, or an object store that did not answer, and rclone
		// would remember it.
		cache.Clear()
		err = fmt.Errorf("%w: no folder there, or no answer", remote.ErrUnreachable)
	}
	if err == nil && !s.making {
		err = rootThere(ctx, f)
	}
	untrack()
	if err != nil {
		cancel()
		return nil, err
	}
	atomicUploads(f)
	return s.keep(f, func() { shutdown(f); cancel() })
}

// errClosed answers calls after Close.
var errClosed = fmt.Errorf("%w: it was let go of", remote.ErrUnreachable)

// Close implements remote.Closer.
func (s *storage) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if o := s.opened; o != nil {
		s.opened = nil
		o.give(errClosed)
		s.leave(o)
	}
}

// leave lets go of an Fs. One that is made of other remotes has them from rclone's cache, where others that are open share them:
// rclone lets go of those by itself, when nobody has used them for a while.
func (s *storage) leave(o *opened) {
	if madeOfOthers(s.path) {
		o.forget()
		return
	}
	_ = s.library.spawn(o.end) // after Stop it has been called
}

// madeOfOthers says whether the path leads to a remote over others, such as alias or crypt.
func madeOfOthers(path string) bool {
	info, _, _, _, err := fs.ConfigFs(path)
	return err == nil && (info.Options.Get("remote") != nil || info.Options.Get("upstreams") != nil)
}

// keep makes f the one that all calls use. An earlier call whose context had ended may have opened one too: the first
// stays.
func (s *storage) keep(f fs.Fs, end func()) (*opened, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened != nil {
		end()
		return s.opened, nil
	}
	untrack, ok := s.library.track(end)
	if !ok {
		end()
		return nil, errStopped
	}
	o := &opened{Fs: f, end: func() { untrack(); end() }, forget: untrack}
	o.life, o.give = context.WithCancelCause(context.Background())
	if s.closed {
		s.leave(o)
		return nil, errClosed
	}
	s.opened = o
	return o, nil
}

// settingsProblem says why a remote of the settings can't be found, before rclone says that it is not there.
func (s *storage) settingsProblem() error {
	parsed, err := fspath.Parse(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettings, err)
	}
	if kind, anonymous := strings.CutPrefix(parsed.Name, ":"); anonymous {
		if _, err := fs.Find(kind); err != nil {
			return fmt.Errorf("%w: %w", ErrSettings, err)
		}
	}
	if circular(s.path) {
		return fmt.Errorf("%w: the remote leads back to itself", ErrSettings)
	}
	if strings.HasPrefix(parsed.Name, ":") {
		return nil
	}
	return s.library.settings.problem()
}

// closedRoot ends the path with a slash, so that no backend asks whether it is a file.
func closedRoot(path string) string {
	if strings.HasSuffix(path, ":") || strings.HasSuffix(path, "/") {
		return path
	}
	return path + "/"
}

// rootThere answers ErrVanished when the backend has folders and the root is none of them.
func rootThere(ctx context.Context, f fs.Fs) error {
	if !f.Features().CanHaveEmptyDirectories {
		return nil
	}
	_, err := list.DirSorted(ctx, f, true, "")
	if errors.Is(err, fs.ErrorDirNotFound) {
		return errNoRoot
	}
	return err
}

// errNoRoot is an ErrVanished that does not pass in a moment.
var errNoRoot = fmt.Errorf("%w: no such folder", remote.ErrVanished)

// atomicUploads makes uploads to WebDAV go to a name of their own and be moved, as rclone does by itself for the other
// backends that show half a file: plain servers keep what came of a broken upload.
func atomicUploads(f fs.Fs) {
	info := fs.FindFromFs(fs.UnWrapFs(f))
	if info != nil && info.Name == "webdav" && f.Features().Move != nil {
		f.Features().PartialUploads = true
	}
}

func shutdown(f fs.Fs) {
	do := f.Features().Shutdown
	if do == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = do(ctx) // nothing is kept in it: a Write has answered before
}

// retry tries again what may pass by itself, with pauses of 0.1 and 0.4 s, or what the remote asks for if that is
// short, until the context ends.
func retry[T any](ctx context.Context, l *Library, call func() (T, error)) (T, error) {
	pause := 100 * time.Millisecond
	for try := 1; ; try++ {
		answer, err := await(ctx, l, call)
		if err != nil && ctx.Err() != nil {
			return answer, context.Cause(ctx)
		}
		if err == nil || try == tries || !passing(err) {
			return answer, err
		}
		if asked := retryAfter(err); asked > longestPause {
			return answer, err
		} else if asked > 0 {
			pause = asked
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, err
		}
		pause *= 4
	}
}

// longestPause is what a call waits inside; a longer wish is the caller's to keep.
const longestPause = 2 * time.Second
