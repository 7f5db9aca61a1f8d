package remote

import "errors"

// Hint says in one sentence what a person can do about a Storage's error; "" when there is nothing to say.
// An error that knows better carries its own: a method Hint() string anywhere in its chain.
func Hint(err error) string {
	var own interface{ Hint() string }
	if errors.As(err, &own) && own.Hint() != "" {
		return own.Hint()
	}
	for _, known := range hints() {
		if errors.Is(err, known.is) {
			return known.hint
		}
	}
	return ""
}

type hint struct {
	is   error
	hint string
}

func hints() []hint {
	return []hint{
		{ErrFull, "Make room on the remote, or raise its quota; everything is kept here until then."},
		{ErrExpired, "Log in again: rclone config reconnect NAME:. Where a password was changed: set it with rclone config, then restart the daemon."},
		{ErrDenied, "Log in again (rclone config reconnect), or check that this login may read and write the folder."},
		{ErrBusy, "The remote asked for fewer requests; nothing to do, it is tried again more slowly."},
		{ErrVanished, "Bring the folder back: mount its disk, take it out of the bin, or undo the renaming. To begin anew there: setlogger remote remove, then remote add."},
		{ErrTwins, "Make one of the two: rclone dedupe NAME:FOLDER merges folders of one name; then sync again."},
		{ErrNoTopic, "Make it: setlogger remote channel setup NAME."},
		{ErrUnreachable, "Check the network, the address, and that the folder is still there (is its disk mounted?)."},
		{ErrTooLarge, "A file in the share is larger than any SetLogger writes; move it out of the share."},
		{ErrName, "A program put a file of a foreign name into the share; move it out of the share."},
		{ErrNotExist, "The file may show up later; it is looked for again."},
	}
}
