package faulty

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Personality is how one kind of place fails, as its own documentation and its users tell. The chances are far above
// those of a usual day.
type Personality struct {
	Name    string
	Quirks  []string // in words, with where they are told of
	Options Options
}

// Personalities answers one for each kind of place.
func Personalities() []Personality {
	return []Personality{dropbox(), drive(), oneDrive(), s3(), webDAV(), syncthing()}
}

func dropbox() Personality {
	return Personality{
		Name: "dropbox",
		Quirks: []string{
			"429 for many calls in a row, with Retry-After (developers.dropbox.com/error-handling-guide)",
			"paths fold case; a listing may show another case than was written (path_display, in the HTTP API's reference)",
			"a write beside another's becomes a conflicted copy (help.dropbox.com/organize/conflicted-copy)",
			"a file that was just written may not be found yet (rclone issue 8881)",
			"names that no device takes (help.dropbox.com/organize/file-names)",
		},
		Options: Options{
			Chance: map[Fault]float64{Busy: 0.02, Upper: 0.1, Stray: 0.1, Copied: 0.5, Lag: 0.15},
			Burst:  12, Stray: conflictedCopy, Refuses: windowsNames(255, 0),
		},
	}
}

func drive() Personality {
	return Personality{
		Name: "drive",
		Quirks: []string{
			"two files and two folders of one name; nothing is replaced in one step (rclone.org/drive, Duplicated files)",
			"a listing lags behind writes and omits some",
			"403 rateLimitExceeded for many calls (developers.google.com/workspace/drive/api/guides/handle-errors)",
			"stored, and the answer is lost (uploads are to be looked for before they are sent again, in the same guide)",
		},
		Options: Options{
			Chance: map[Fault]float64{Twice: 0.15, Doubled: 0.5, Lag: 0.25, Omit: 0.15, Busy: 0.02, LostAnswer: 0.05},
			Burst:  6, LagCalls: 8, Stray: func(name string) string { return "copy of " + name },
		},
	}
}

func oneDrive() Personality {
	return Personality{
		Name: "onedrive",
		Quirks: []string{
			"429 and 503 with Retry-After (learn.microsoft.com/graph/throttling)",
			"names fold case, some are forbidden, a path has at most 400 letters (support.microsoft.com, Restrictions and limitations in OneDrive)",
			"a file that two devices wrote gets the device's name added",
		},
		Options: Options{
			Chance: map[Fault]float64{Busy: 0.02, Unreachable: 0.03, Upper: 0.1, Stray: 0.1, Copied: 0.5, Lag: 0.05},
			Burst:  8, Stray: func(name string) string { return insert(name, "-DESKTOP-7F3A") }, Refuses: windowsNames(255, 400),
		},
	}
}

func s3() Personality {
	return Personality{
		Name: "s3",
		Quirks: []string{
			"503 SlowDown (docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)",
			"what was written shows at once (aws.amazon.com/s3/consistency)",
			"there are no folders: one that is gone is an empty one",
			"stored, and the answer is lost",
		},
		Options: Options{Chance: map[Fault]float64{Busy: 0.04, Empty: 0.03, LostAnswer: 0.08, Unreachable: 0.02}, Burst: 3},
	}
}

func webDAV() Personality {
	return Personality{
		Name: "webdav",
		Quirks: []string{
			"half a file where an upload broke off, with or without an error (RFC 4918 leaves PUT's middle open)",
			"423 Locked, 507 Insufficient Storage (RFC 4918, 11.3 and 11.5)",
			"a long listing or a download breaks off; a gateway's page of HTML with 200",
		},
		Options: Options{Chance: map[Fault]float64{
			BrokenUpload: 0.1, Cut: 0.05, Locked: 0.08, Full: 0.08, Broken: 0.1, HTML: 0.04, Short: 0.04, LostAnswer: 0.05,
		}},
	}
}

func syncthing() Personality {
	return Personality{
		Name: "syncthing",
		Quirks: []string{
			"a folder that Syncthing mirrors: files come in any order, and late (docs.syncthing.net/users/syncing.html)",
			"unfinished ones show as .syncthing.NAME.tmp, conflicts as NAME.sync-conflict-DATE-ID (same page)",
			"what was deleted here and kept or changed elsewhere comes back",
		},
		Options: Options{
			Chance:   map[Fault]float64{Reorder: 0.3, Lag: 0.3, Returns: 0.25, Stray: 0.3, Copied: 0.5, Omit: 0.1},
			LagCalls: 15, Stray: syncthingName,
		},
	}
}

// conflictedCopy is a name that Dropbox gives.
func conflictedCopy(name string) string { return insert(name, " (conflicted copy 2026-11-23)") }

// syncthingName is a conflict for every other name, else an unfinished file.
func syncthingName(name string) string {
	if len(name)%2 == 0 {
		return insert(name, ".sync-conflict-20261123-101500-ABCDEFG")
	}
	folder, base := path.Split(name)
	return folder + ".syncthing." + base + ".tmp"
}

// insert puts text before the last extension.
func insert(name, text string) string {
	extension := path.Ext(name)
	return strings.TrimSuffix(name, extension) + text + extension
}

// reserved are the names that Windows keeps for devices, and programs that sync with it refuse.
var reserved = []string{"con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3", "desktop.ini", "thumbs.db", ".lock", ".ds_store"}

// windowsNames refuses what Windows does, and steps and paths that are too long; 0 is no limit.
func windowsNames(step, whole int) func(name string) error {
	return func(name string) error {
		if whole > 0 && len(name) > whole {
			return fmt.Errorf("%d letters, at most %d", len(name), whole)
		}
		for part := range strings.SplitSeq(name, "/") {
			base, _, _ := strings.Cut(strings.ToLower(part), ".")
			switch {
			case len(part) > step:
				return fmt.Errorf("%d letters between slashes, at most %d", len(part), step)
			case strings.ContainsAny(part, "\"*:<>?\\|"), strings.Trim(part, " .") != part, strings.HasPrefix(part, "~"), strings.Contains(part, "_vti_"):
				return errors.New("letters that are forbidden, or forbidden there")
			case slices.Contains(reserved, base), slices.Contains(reserved, strings.ToLower(part)):
				return errors.New("a reserved name")
			}
		}
		return nil
	}
}

func sorted(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }
