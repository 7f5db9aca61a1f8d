package daemon

import (
	"fmt"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

const (
	settingClock = "clock" // what the clock showed when the daemon last ran, RFC 3339
	// clockSlack is how much earlier a clock may show than it did before, at a start: what keeping it by the network moves it.
	clockSlack = 5 * time.Minute
	// clockNamed is how long a clock that was set back is named: it may be right now.
	clockNamed = 24 * time.Hour
)

// clock knows whether this device's clock was set back while the daemon was away, as one without a battery is.
type clock struct {
	now, before time.Time // at the start, and when it last ran; both zero where all is well
}

func loadClock(r *localstore.Registry, now time.Time) (clock, error) {
	text, err := r.Setting(settingClock)
	if err != nil || text == "" {
		return clock{}, err
	}
	before, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return clock{}, fmt.Errorf("%w: the setting %s in daemon.db", localstore.ErrCorrupt, settingClock)
	}
	if before.Sub(now) <= clockSlack {
		return clock{}, nil
	}
	return clock{now, before}, nil
}

// keepClock stores what the clock shows.
func (d *Daemon) keepClock() {
	if err := d.registry.SetSetting(settingClock, d.now().Format(time.RFC3339)); err != nil {
		d.log.Error("the time cannot be stored", "error", err)
	}
}

// problems names a clock that was set back.
func (c clock) problems(device string, running time.Duration) []api.Problem {
	if c.before.IsZero() || running > clockNamed {
		return nil
	}
	detail := fmt.Sprintf("the clock showed %s when the daemon started, and %s when it last ran", c.now.UTC().Format(time.RFC3339), c.before.UTC().Format(time.RFC3339))
	return []api.Problem{named(clockOff, device, detail, "look at the clock of this device, and let it keep itself by the network; if it is right now, it was wrong before")}
}
