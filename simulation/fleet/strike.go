package fleet

import (
	"maps"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
)

// weather is how the remote fails under each fault that lasts, with the chance of each call.
var weather = map[Fault]map[faulty.Fault]float64{
	ListingOmits:  {faulty.Omit: 0.4},
	ListingEmpty:  {faulty.Empty: 0.3},
	UploadCut:     {faulty.Cut: 0.15, faulty.BrokenUpload: 0.15},
	AnswerLost:    {faulty.LostAnswer: 0.25},
	BodyKept:      {faulty.KeptBody: 0.25},
	LoginPage:     {faulty.HTML: 0.25},
	ZeroBytes:     {faulty.Zeros: 0.15, faulty.WrittenZeros: 0.15},
	NameTwice:     {faulty.Twice: 0.4},
	CaseFolding:   {faulty.Upper: 0.4},
	DeleteFirst:   {faulty.Reorder: 0.4, faulty.Lag: 0.1},
	RemoteRefuses: {faulty.Busy: 0.3, faulty.Full: 0.3, faulty.Denied: 0.2},
	ForeignFiles:  {faulty.Stray: 0.4},
	ErrorBurst:    {faulty.Unreachable: 1},
}

// strike lets a fault begin, or happen.
func (f *fleet) strike(s Step, d *device) error {
	if _, ok := weather[s.Fault]; ok && s.Fault != ErrorBurst {
		f.weather[s.Fault]++
		f.setWeather()
	}
	if d.dead || d.paused {
		return nil
	}
	if err := d.use(); err != nil {
		return err
	}
	switch s.Fault {
	case ShareGone:
		return f.hideShare(s.N)
	case TwinFolders:
		return f.makeTwin(d)
	case SilentHints:
		d.hushed = true
		f.counts[SilentHints]++
	case ErrorBurst:
		f.burst(d)
	case TwoAtOnce:
		return f.interleave(d)
	case PausedCollector:
		if d.rounds() == 1 { // else another needs its disk
			return f.collectAndPause(d)
		}
	case RottenIndex:
		return f.rot(s.N)
	case LyingIndex:
		return f.lie(d, s.N)
	case AwayForAYear:
		d.away = true
		f.counts[AwayForAYear]++
	case ClonedDevice:
		return f.clone(d, s.N)
	case OldBackup:
		return f.restore(d, s.N)
	case WrongClock:
		f.setWrong(d, s.N)
	case BadDisk:
		d.mode, d.countdown = diskMode(s.N%int(diskModes)), s.N/int(diskModes)%12
	case ForeignFiles:
		return f.plant(s.N)
	}
	return nil
}

// setWrong sets the clock of a device wrong, by ten years at most.
func (f *fleet) setWrong(d *device, n int) {
	d.skew = []time.Duration{87_600 * time.Hour, -87_600 * time.Hour, -24 * time.Hour, 30 * time.Minute}[n%4]
	f.counts[WrongClock]++
}

// ease ends what a fault began.
func (f *fleet) ease(s Step, d *device) error {
	if f.weather[s.Fault] > 0 {
		f.weather[s.Fault]--
		f.setWeather()
	}
	switch s.Fault {
	case ShareGone:
		return f.showShare()
	case TwinFolders:
		return f.mergeTwin(d)
	case SilentHints:
		d.hushed = false
	case PausedCollector:
		return f.unpause(d)
	case AwayForAYear:
		if !d.away {
			return nil
		}
		err := f.liveOn(d, 365*24*time.Hour)
		d.away = false
		return err
	case WrongClock:
		d.skew = 0
	case BadDisk:
		d.countdown = -1
	}
	return nil
}

// setWeather has the remote fail as its kind does, and as the faults that last do.
func (f *fleet) setWeather() {
	options := f.plan.Place.Options
	chance := map[faulty.Fault]float64{}
	maps.Copy(chance, options.Chance)
	for fault, times := range f.weather {
		if times > 0 {
			maps.Copy(chance, weather[fault])
		}
	}
	options.Seed, options.Chance = f.plan.Seed, chance
	f.share.Set(options)
}

// countWeather takes over what the remote counted.
func (f *fleet) countWeather() {
	counts := f.share.Counts()
	for fault, kinds := range weather {
		for kind := range kinds {
			f.counts[fault] += counts[kind]
		}
	}
}

// burst lets a device try again and again while nothing is reached.
func (f *fleet) burst(d *device) {
	f.share.Set(faulty.Options{Seed: f.plan.Seed, Chance: weather[ErrorBurst]})
	for range 8 {
		f.round(d)
	}
	f.setWeather()
}
