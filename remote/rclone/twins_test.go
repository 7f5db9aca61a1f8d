package rclone

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest"
)

// twinned is a folder of this disk that shows each folder in it twice, as Google Drive shows two of one name.
type twinned struct{ fs.Fs }

func (t twinned) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := t.Fs.List(ctx, dir)
	for _, e := range entries {
		if _, folder := e.(fs.Directory); folder {
			entries = append(entries, e)
		}
	}
	return entries, err
}

// TestTwinFolders: a listing with two folders of one name ends in ErrTwins after its files; one without is whole.
func TestTwinFolders(t *testing.T) {
	fs.Register(&fs.RegInfo{Name: "twinned", NewFs: func(ctx context.Context, _, root string, _ configmap.Mapper) (fs.Fs, error) {
		f, err := fs.NewFs(ctx, root)
		return twinned{f}, err
	}})
	folder := t.TempDir()
	s := library.Open(":twinned:" + filepath.ToSlash(folder))
	if err := s.Write(t.Context(), "share.json", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := remotetest.Names(t, s, ""); len(got) != 1 {
		t.Errorf("without folders: %v", got)
	}
	if err := os.Mkdir(filepath.Join(folder, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := 0
	var failed error
	for _, err := range s.List(t.Context(), "") {
		if err == nil {
			files++
		}
		failed = err
	}
	if files != 1 || !errors.Is(failed, remote.ErrTwins) || remote.Hint(failed) == "" {
		t.Errorf("%d files, then %v", files, failed)
	}
	if got := remotetest.Names(t, s, "log"); len(got) != 0 {
		t.Errorf("in one of them: %v", got)
	}
}
