package remote

import (
	"fmt"
	"strings"
)

// maxName bounds a whole name, in bytes.
const maxName = 255

// CheckName answers nil for a name that every backend keeps as it is, else an error that wraps ErrName.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrName, len(name), maxName)
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
