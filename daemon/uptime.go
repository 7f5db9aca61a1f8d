package daemon

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/setlogger/setlogger/localstore"
)

// The daemon's own settings in the registry.
const (
	settingKey    = "device-key" // seed of the key that seen files are signed with, hex
	settingUptime = "uptime"     // how long the daemon has run in all, as a duration
)

// deviceKey answers the key by which a share knows this device, made at the first start.
func deviceKey(r *localstore.Registry) (ed25519.PrivateKey, error) {
	text, err := r.Setting(settingKey)
	if err != nil {
		return nil, err
	}
	if text == "" {
		seed := make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed) // never fails
		text = hex.EncodeToString(seed)
		if err := r.SetSetting(settingKey, text); err != nil {
			return nil, err
		}
	}
	seed, err := hex.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: the setting %s in daemon.db", localstore.ErrCorrupt, settingKey)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// uptime is how long the daemon has run, over all its starts: what no clock that is wrong, or set, can change.
type uptime struct {
	before time.Duration
	start  time.Time
	faster float64 // than time passes: more than 1 in tests only
}

func loadUptime(r *localstore.Registry, day time.Duration) (uptime, error) {
	text, err := r.Setting(settingUptime)
	if err != nil {
		return uptime{}, err
	}
	before, err := time.ParseDuration(text)
	if text != "" && (err != nil || before < 0) {
		return uptime{}, fmt.Errorf("%w: the setting %s in daemon.db", localstore.ErrCorrupt, settingUptime)
	}
	u := uptime{before, time.Now(), 1}
	if day > 0 {
		u.faster = float64(24*time.Hour) / float64(day)
	}
	return u, nil
}

func (u uptime) now() time.Duration {
	return u.before + time.Duration(u.faster*float64(time.Since(u.start)))
}

// saveEvery is how much uptime a crash may lose.
const saveEvery = 10 * time.Minute

// keep stores the uptime now and then, and at the end.
func (u uptime) keep(ctx context.Context, d *Daemon) {
	tick := time.NewTicker(time.Duration(float64(saveEvery) / u.faster))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if err := d.registry.SetSetting(settingUptime, u.now().Round(time.Second).String()); err != nil {
			d.log.Error("the uptime cannot be stored", "error", err)
		}
		d.keepClock()
		if ctx.Err() != nil {
			return
		}
	}
}
