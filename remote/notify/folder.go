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
// The subfolder need not be there yet; that it comes, or that more happened than the system keeps, is a hint of its own name.
// Whoever writes below the root hears of it, too. It returns the context's error,
// ErrGone, or what the system says that keeps it from watching; what happens afterwards is not told.
func Folder(ctx context.Context, root, sub string, hint func(name string)) (err error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", root, err)
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()
	folder := filepath.Join(root, sub)
	if err := look(watcher, root, folder, hint); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-watcher.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				err = look(watcher, root, folder, hint)
			} else {
				err = fmt.Errorf("watch %s: %w", root, err)
			}
			if err != nil {
				return err
			}
		case event := <-watcher.Events:
			if err := tell(watcher, event, root, folder, hint); err != nil {
				return err
			}
		}
	}
}

// look watches what is there, and hints at what came before that. Again it finds what the events that were lost have told of.
func look(watcher *fsnotify.Watcher, root, folder string, hint func(name string)) error {
	if err := watcher.Add(root); err != nil {
		return fmt.Errorf("watch %s: %w", root, err)
	}
	_ = watcher.Add(folder) // it may come later
	hint(filepath.Base(folder))
	return nil
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
