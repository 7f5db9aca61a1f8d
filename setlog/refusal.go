package setlog

import (
	"errors"
	"fmt"
)

// ErrUnchanged says that the action sets what is so already; nothing is to be appended (rule 19).
var ErrUnchanged = errors.New("setlog: nothing to change")

// RefusalKind says in one word why an append is refused.
type RefusalKind int

// The kinds, with the HTTP status the API gives them.
const (
	Invalid  RefusalKind = iota // 422: the action can never be appended
	NotAlive                    // 409: the node is not alive, or was never created
	TooLarge                    // 413: over a limit of size
)

// Refusal is why an action is not appended. Nothing was changed.
type Refusal struct {
	Kind     RefusalKind
	Position int // of the action in its transaction, from 0
	Reason   string
	Hint     string
}

// Error names the reason; the hint is kept apart.
func (r *Refusal) Error() string {
	if r.Position == 0 {
		return r.Reason
	}
	return fmt.Sprintf("action %d: %s", r.Position+1, r.Reason)
}

func invalid(reason, hint string) *Refusal {
	return &Refusal{Kind: Invalid, Reason: reason, Hint: hint}
}

// at puts the position of an action into its refusal.
func at(position int, err error) error {
	if r, ok := errors.AsType[*Refusal](err); ok {
		r.Position = position
	}
	return err
}
