//go:build tray

package tray

import (
	"context"
	"os"
	"runtime"
	"sync"

	"github.com/getlantern/systray"
)

// Run draws the tray until ctx ends or the person quits it. It must be called
// from the main goroutine, once in a process, because GTK and AppKit ask for
// the main thread.
func Run(ctx context.Context, o Options) error {
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return ErrNoDisplay // GTK would end the process
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	icons := pictures(runtime.GOOS)
	done := make(chan struct{})
	systray.Run(func() {
		defer close(done)
		live(ctx, cancel, o.filled(), icons)
		systray.Quit()
	}, cancel)
	<-done
	runtime.KeepAlive(icons) // GTK reads them without a copy
	return nil
}

// pictures are the icons as the system takes them.
func pictures(goos string) [iconCount][]byte {
	var all [iconCount][]byte
	for i := range iconCount {
		if goos == "windows" {
			all[i] = i.ICO()
		} else {
			all[i] = i.PNG(64)
		}
	}
	return all
}

// live draws until ctx ends, and calls quit when the person asks for it.
func live(ctx context.Context, quit func(), o Options, icons [iconCount][]byte) {
	m := newMenu(icons)
	asked := make(chan struct{}, 1)
	var group sync.WaitGroup
	defer group.Wait()
	onClick := func(item *systray.MenuItem, act func()) {
		group.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-item.ClickedCh:
					act()
				}
			}
		})
	}
	open := func() {
		if err := o.Open(ctx); err != nil {
			o.Logger.Warn("the page can't be opened", "error", err)
		}
	}
	onClick(m.headline, open)
	onClick(m.open, open)
	for i := range m.problems {
		onClick(m.problems[i].what, open)
	}
	onClick(m.sync, func() {
		select {
		case asked <- struct{}{}:
		default: // asked for already
		}
	})
	onClick(m.quit, quit)
	w := watcher{options: o, draw: m.draw}
	w.watch(ctx, asked)
}
