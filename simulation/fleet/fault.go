package fleet

import (
	"fmt"
	"strings"
)

// Fault is one of the ways in which the world lets a fleet down, by its number in docs/simulation.md.
type Fault int

// The faults.
const (
	ListingOmits Fault = iota + 1
	ListingEmpty
	ShareGone
	UploadCut
	AnswerLost
	BodyKept
	LoginPage
	ZeroBytes
	NameTwice
	TwinFolders
	CaseFolding
	DeleteFirst
	SilentHints
	ErrorBurst
	TwoAtOnce
	PausedCollector
	RottenIndex
	LyingIndex
	AwayForAYear
	ClonedDevice
	OldBackup
	WrongClock
	BadDisk
	RemoteRefuses
	ForeignFiles
)

// faults is how many there are.
const faults = int(ForeignFiles)

// String is the fault in a few words.
func (f Fault) String() string {
	return [...]string{
		"none", "a listing omits 30 %", "a listing is empty, with success", "the share's file is swapped or gone", "an upload is cut",
		"stored, but the answer is lost", "refused, but the body is kept", "a login page instead of content", "zeros of the right size",
		"the same name twice", "twin folders", "a place that folds case", "a delete shows before an add", "hints are silent for a day",
		"a burst of errors", "two compact and collect at once", "a collector is paused for 90 days", "the newest index or chunk rots",
		"an index claims too much", "away for a year", "a device is cloned or rolled back", "an old backup is restored",
		"a clock is 10 years off", "the local disk fails", "429, 507 or an expired login for days", "newer files, conflict copies, placeholders",
	}[f]
}

// Counts are how often each fault was met.
type Counts [faults + 1]int

// Add adds other counts.
func (c *Counts) Add(o Counts) {
	for f := range c {
		c[f] += o[f]
	}
}

// Kinds counts the faults that were met at all.
func (c *Counts) Kinds() (n int) {
	for _, times := range c {
		if times > 0 {
			n++
		}
	}
	return n
}

// String is a table.
func (c *Counts) String() string {
	var text strings.Builder
	for f := 1; f <= faults; f++ {
		fmt.Fprintf(&text, "%2d %-44s%12d\n", f, Fault(f), c[f])
	}
	return text.String()
}
