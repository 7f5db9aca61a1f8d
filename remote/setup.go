package remote

import (
	"context"
	"errors"
)

// Errors of a Setup that callers tell apart; test with errors.Is.
var (
	// ErrSigningIn: another setup waits for its sign-in, and there is one at a time.
	ErrSigningIn = errors.New("remote: another setup is signing in")
	// ErrTaken: the settings hold a remote of this name.
	ErrTaken = errors.New("remote: the name is taken")
)

// Kind is a kind of place that a remote can be set up on.
type Kind struct {
	Name  string // as the settings say it: "s3"
	Title string // as people say it
	Text  string // one sentence
}

// Known is a remote that the settings hold already.
type Known struct{ Name, Kind string }

// Wanted says what is to be set up: a new place of a kind, or a folder on a remote that is known.
type Wanted struct {
	Name  string // of the new remote
	Kind  string
	Known string // instead of Kind
	// Before is an earlier Setup of the same kind; its answers are the defaults.
	Before Setup
}

// Setup makes a remote by questions. It keeps its answers in memory: before Keep, nothing is written anywhere. Calls come
// one after the other.
type Setup interface {
	// Answer takes the answer to the question that stands and answers the next, nil after the last. An empty text means
	// the default, or what was answered before. After an AnswerError the question stands, or one before it, which
	// comes with the error. A Question with an Address is answered by nothing: it comes again when the context ends first.
	Answer(ctx context.Context, text string) (*Question, error)
	// Path is the place that the answers name, secrets included, once nothing more is asked.
	Path() string
	// Keep writes the answers into the settings, for the owner's eyes alone. It answers the path that names them, and
	// what takes them out again.
	Keep() (path string, undo func() error, err error)
	// Close ends what still runs. It does not undo Keep.
	Close()
}

// Question is one that a person is asked.
type Question struct {
	Name    string
	Help    string // some lines
	Choices []Choice
	Only    bool   // nothing but the choices
	Default string // what an empty answer means
	// Required: an empty answer is none, where there is no Default.
	Required bool
	Secret   bool // not to be shown while it is typed
	Kept     bool // an empty answer keeps the secret that was given before
	// Folder: the answer is a folder of this machine.
	Folder bool
	// Address is to be opened in a browser on this machine, and is good for one sign-in; the answer comes from there.
	Address string
}

// Choice is an answer that can be chosen.
type Choice struct{ Value, Text string }

// AnswerError says what is wrong with an answer, or what failed because of it.
type AnswerError struct {
	Text   string
	Advice string
}

// Error says what is wrong.
func (e *AnswerError) Error() string { return e.Text }

// Hint says what to do.
func (e *AnswerError) Hint() string { return e.Advice }

// Setups makes Setups.
type Setups struct {
	// Kinds answers what can be set up, those for most people first.
	Kinds func() []Kind
	// Known answers the remotes that the settings hold, by name.
	Known func() []Known
	// Begin answers a Setup and its first question. It makes no call to the place yet.
	Begin func(ctx context.Context, w Wanted) (Setup, *Question, error)
}
