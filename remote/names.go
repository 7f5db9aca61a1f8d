package remote

import (
	"fmt"
	"strings"
)

// maxName bounds a whole name, in bytes.
const maxName = 255

// unfinished ends the names of uploads that are not complete; List leaves them out, so nothing else may end so.
const unfinished = ".partial"

// CheckName answers nil for a name that every backend keeps as it is, else an error that wraps ErrName. A name that
// ends in ".partial" is bad: that is how unfinished uploads look.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrName, len(name), maxName)
	}
	if strings.HasSuffix(name, unfinished) {
		return fmt.Errorf("%w: %q is an unfinished upload", ErrName, name)
	}
	for step := range strings.SplitSeq(name, "/") {
		if !goodStep(step) {
			return fmt.Errorf("%w: %q", ErrName, name)
		}
	}
	return nil
}

// CheckFolder is CheckName for folders: "" is the root.
func CheckFolder(folder string) error {
	if folder == "" {
		return nil
	}
	return CheckName(folder)
}

// Join makes a name of a folder ("" is the root) and the last step.
func Join(folder, step string) string {
	if folder == "" {
		return step
	}
	return folder + "/" + step
}

// goodStep refuses what some backend would change: other letters, a dot at either end ("..", hidden files, and
// Windows drops a last dot).
func goodStep(step string) bool {
	if step == "" || step[0] == '.' || step[len(step)-1] == '.' {
		return false
	}
	for i := range len(step) {
		c := step[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}
