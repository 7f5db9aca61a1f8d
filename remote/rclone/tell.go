package rclone

import (
	"context"
	"time"

	"github.com/rclone/rclone/fs"

	"github.com/setlogger/setlogger/remote"
)

// Tell implements remote.Teller where rclone's backend can notify of changes: Dropbox, Google Drive, OneDrive and others. It also ends
// when the remote wants to be left alone.
func (s *storage) Tell(ctx context.Context, hint func(name string)) error {
	return s.tell(ctx, remote.TellEvery, hint)
}

func (s *storage) tell(ctx context.Context, every time.Duration, hint func(name string)) error {
	f, call, end, err := s.begin(ctx, nil)
	defer end()
	if err != nil {
		return s.fail(ctx, "ask for changes in", "", err)
	}
	notify := f.Features().ChangeNotify
	if notify == nil {
		return remote.ErrSilent
	}
	pace := make(chan time.Duration, 1)
	pace <- every
	defer close(pace) // with the context, it ends the backend's goroutine
	notify(call, func(path string, _ fs.EntryType) {
		if call.Err() == nil {
			hint(path)
		}
	}, pace)
	<-call.Done()
	return s.fail(ctx, "ask for changes in", "", context.Cause(call))
}
