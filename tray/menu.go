//go:build tray

package tray

import (
	"runtime"
	"strconv"

	"github.com/getlantern/systray"
)

// shownProblems bounds the menu; the page lists them all.
const shownProblems = 4

// menu is the tray's menu. Its items are made once, and hidden while they have
// nothing to say, because systray can't remove any.
type menu struct {
	icons            [iconCount][]byte
	headline, detail *systray.MenuItem
	problems         [shownProblems]struct{ what, hint *systray.MenuItem }
	more             *systray.MenuItem
	sync, open, quit *systray.MenuItem
	drawn            Icon
	shown            map[*systray.MenuItem]string // visible items and their words
}

func newMenu(icons [iconCount][]byte) *menu {
	m := &menu{icons: icons, drawn: -1, shown: map[*systray.MenuItem]string{}}
	fixed := func() *systray.MenuItem {
		item := systray.AddMenuItem("", "")
		item.Disable()
		return item
	}
	m.headline, m.detail = systray.AddMenuItem("", "Open the page"), fixed()
	for i := range m.problems {
		m.problems[i].what = systray.AddMenuItem("", "Open the page")
		m.problems[i].hint = fixed()
	}
	m.more = fixed()
	systray.AddSeparator()
	m.sync = systray.AddMenuItem("Sync now", "Make a round with every remote")
	m.open = systray.AddMenuItem("Open SetLogger", "Open the page in the browser")
	systray.AddSeparator()
	m.quit = systray.AddMenuItem("Quit this icon", "Syncing goes on without it")
	m.draw(View{Headline: "SetLogger"})
	return m
}

// draw shows v. Only what changes is touched: an update shows a hidden item.
func (m *menu) draw(v View) {
	if v.Icon != m.drawn {
		m.drawn = v.Icon
		systray.SetIcon(m.icons[v.Icon])
	}
	if runtime.GOOS != "linux" {
		systray.SetTooltip(clip(v.Tooltip(), 120)) // Windows takes 127 characters
	}
	m.say(m.headline, v.Headline)
	m.say(m.detail, v.Detail)
	for i, slot := range m.problems {
		var p Problem
		if i < len(v.Problems) {
			p = v.Problems[i]
		}
		m.say(slot.what, p.What)
		m.say(slot.hint, indented(p.Hint))
	}
	m.say(m.more, more(len(v.Problems)-len(m.problems)))
	enable(m.sync, v.CanSync)
	enable(m.open, v.CanOpen)
	enable(m.headline, v.CanOpen)
}

// say sets an item's words, and hides it when there are none.
func (m *menu) say(item *systray.MenuItem, words string) {
	words = label(words, runtime.GOOS)
	before, visible := m.shown[item]
	switch {
	case words == "":
		delete(m.shown, item)
		item.Hide()
	case !visible || words != before:
		m.shown[item] = words
		item.SetTitle(words)
		item.Show()
	}
}

func enable(item *systray.MenuItem, on bool) {
	if on == !item.Disabled() {
		return
	}
	if on {
		item.Enable()
	} else {
		item.Disable()
	}
}

// indented sets a hint under its problem.
func indented(hint string) string {
	if hint == "" {
		return ""
	}
	return "    " + hint
}

// more says how many problems found no place.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return "and " + strconv.Itoa(n) + " more, on the page"
}
