package faulty

import (
	"errors"
	"fmt"

	"github.com/setlogger/setlogger/remote"
)

// Fault is one way to fail.
type Fault int

// The faults, by the verb that carries them. A Write that stores something else than it was given and says so is
// detectable; Cut and WrittenZeros lie, as a server does that loses its power.
const (
	// Omit: a List leaves out some names.
	Omit Fault = iota + 1
	// Empty: a List is empty, with success.
	Empty
	// Twice: a List yields one name two times.
	Twice
	// Upper: a List yields a name in upper case, as a place that folds case may.
	Upper
	// Stray: a List yields a foreign name too, a sync program's conflict copy.
	Stray
	// Broken: a List ends with ErrUnreachable after some of its names.
	Broken

	// HTML: a Read answers a login page with success.
	HTML
	// Zeros: a Read answers zeros of the right size with success.
	Zeros
	// Short: a Read answers the first bytes only, with success.
	Short

	// LostAnswer: a Write stores everything, but answers ErrUnreachable.
	LostAnswer
	// KeptBody: a Write answers ErrDenied, yet the body is stored.
	KeptBody
	// BrokenUpload: a Write stores the first bytes and answers ErrUnreachable.
	BrokenUpload
	// Cut: a Write stores the first bytes and answers success.
	Cut
	// WrittenZeros: a Write stores zeros of the right size and answers success.
	WrittenZeros
	// Lag: a Write's file shows, to List and Read, only some calls later.
	Lag
	// Reorder: a Write's file shows only after a List has shown the effect of a later Remove, or long after.
	Reorder

	// Copied: a Write to a name that is taken stores a copy under another name, and answers success.
	Copied
	// Doubled: a Write to a name that is taken leaves two files of it: a List yields it two times, a Read answers either, and
	// a Remove takes one of them.
	Doubled
	// Returns: a Remove's file is gone, and some calls later it is back.
	Returns
	// Locked: a Write or a Remove answers an error of no known kind (423) and does nothing.
	Locked

	// Busy: any call answers ErrBusy (429) and does nothing.
	Busy
	// Full: a Write answers ErrFull (507) and does nothing.
	Full
	// Denied: any call answers ErrDenied (expired login) and does nothing.
	Denied
	// Unreachable: any call answers ErrUnreachable and does nothing.
	Unreachable

	end
)

// Faults answers all of them.
func Faults() []Fault {
	all := make([]Fault, 0, end-1)
	for f := Omit; f < end; f++ {
		all = append(all, f)
	}
	return all
}

var _ fmt.Stringer = Fault(0)

// String answers the fault's name in lower case.
func (f Fault) String() string {
	names := [...]string{
		"none", "omit", "empty", "twice", "upper", "stray", "broken list", "html", "zeros", "short read", "lost answer", "kept body",
		"broken upload", "cut", "written zeros", "lag", "reorder", "copied", "doubled", "returns", "locked", "busy", "full", "denied", "unreachable",
	}
	if f < 0 || int(f) >= len(names) {
		return fmt.Sprintf("fault %d", int(f))
	}
	return names[f]
}

// verb is one of the four calls.
type verb int

const (
	list verb = iota
	read
	write
	remove
)

func (v verb) String() string { return [...]string{"list", "read", "write", "remove"}[v] }

// carries says whether a call of this verb can fail in this way.
func (f Fault) carries(v verb) bool {
	switch f {
	case Omit, Empty, Twice, Upper, Stray, Broken:
		return v == list
	case HTML, Zeros, Short:
		return v == read
	case LostAnswer, KeptBody, BrokenUpload, Cut, WrittenZeros, Lag, Reorder, Copied, Doubled, Full:
		return v == write
	case Returns:
		return v == remove
	case Locked:
		return v == write || v == remove
	case Busy, Denied, Unreachable:
		return true
	default:
		return false
	}
}

// refusal answers the error of a fault that does nothing else, or nil.
func (f Fault) refusal() error {
	switch f {
	case Busy:
		return remote.ErrBusy
	case Full:
		return remote.ErrFull
	case Locked:
		return errLocked
	case Denied:
		return remote.ErrDenied
	case Unreachable:
		return remote.ErrUnreachable
	default:
		return nil
	}
}

// errLocked is none of package remote's, as rclone's is.
var errLocked = errors.New("423 Locked")
