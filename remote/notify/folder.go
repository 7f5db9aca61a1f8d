package notify

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// ErrGone says that the folder that was watched is not there any more.
var ErrGone = errors.New("notify: the folder is gone")

// Folder watches one subfolder of a root, an absolute path, until the context ends, and calls hint with the name below the root of each
// file that comes to be there: "log/abc". Files whose names begin with a dot are somebody's unfinished ones and are passed over.
// The subfolder need not be there yet. Whoever writes below the root hears of it, too. It returns the context's error,
// ErrGone, or what the system says that keeps it from watching; what happens afterwards is not told.
func Folder(ctx context.Context, root, sub string, hint func(name string)) (err error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", root, err)
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()
	if err := watcher.Add(root); err != nil {
		return fmt.Errorf("watch %s: %w", root, err)
	}
	folder := filepath.Join(root, sub)
	_ = watcher.Add(folder) // it may come later
	hint(sub)               // what came before it was watched
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watcher.Errors:
			return fmt.Errorf("watch %s: %w", root, err)
		case event := <-watcher.Events:
			if err := tell(watcher, event, root, folder, hint); err != nil {
				return err
			}
		}
	}
}

// tell hands on what an event says.
func tell(watcher *fsnotify.Watcher, event fsnotify.Event, root, folder string, hint func(name string)) error {
	gone := event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
	switch {
	case event.Name == root && gone:
		return fmt.Errorf("%w: %s", ErrGone, root)
	case event.Name == folder && event.Has(fsnotify.Create):
		if err := watcher.Add(folder); err != nil {
			return fmt.Errorf("watch %s: %w", folder, err)
		}
		hint(filepath.Base(folder))
	case filepath.Dir(event.Name) == folder && event.Has(fsnotify.Create) && !strings.HasPrefix(filepath.Base(event.Name), "."):
		hint(filepath.Base(folder) + "/" + filepath.Base(event.Name))
	}
	return nil
}
