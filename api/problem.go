package api

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// ProblemType is the content type of every error.
const ProblemType = "application/problem+json"

// What went wrong, by kind: test with errors.Is. All but ErrNoDaemon, ErrBroken and ErrLongAnswer are an *Error, whose
// fields say more.
var (
	ErrNoDaemon   = errors.New("api: no daemon answers")                                           // nothing listens there; nothing was done
	ErrBroken     = errors.New("api: the connection broke, and what was asked may have been done") // no whole answer came
	ErrLongAnswer = errors.New("api: the answer is too long")                                      // see Options.MaxAnswer

	ErrBadRequest   = errors.New("api: bad request")            // 400
	ErrUnauthorized = errors.New("api: unauthorized")           // 401: no token came, or one that is not known
	ErrForbidden    = errors.New("api: forbidden")              // 403: it is not among the app's scopes
	ErrNotFound     = errors.New("api: not found")              // 404: no such bucket, node, remote, app or call
	ErrConflict     = errors.New("api: conflict")               // 409: the node is not alive, names clash, …
	ErrChanged      = errors.New("api: changed")                // 412: the node has another rev than IfMatch
	ErrTooLarge     = errors.New("api: too large")              // 413: an action of over 1 MiB
	ErrRefused      = errors.New("api: refused")                // 422: an action that can never be appended, or breaks the schema
	ErrTooMany      = errors.New("api: too many requests")      // 429
	ErrFailed       = errors.New("api: the daemon failed")      // 500: its log may tell more
	ErrRemote       = errors.New("api: a remote failed")        // 502: it refused, or did not answer
	ErrStopping     = errors.New("api: the daemon is stopping") // 503
	ErrFull         = errors.New("api: the disk is full")       // 507
)

// Error is problem+json (RFC 9457), with a hint: what the daemon answers when it refuses or fails. errors.Is tells its
// kind.
type Error struct {
	Type       string      `json:"type,omitempty" doc:"The name that the status has for it, where it has one: wrong-key, share-encrypted, share-plain …"`
	Title      string      `json:"title" doc:"The status in words"`
	Status     int         `json:"status"`
	Detail     string      `json:"detail" doc:"What went wrong, in a sentence"`
	Hint       string      `json:"hint,omitempty" doc:"What to do about it"`
	Violations []Violation `json:"violations,omitempty" nullable:"false" doc:"What the bucket's schema does not allow"`
	Line       *uint64     `json:"line,omitempty" doc:"First refused line of an NDJSON body, from 1"`
	Committed  *uint64     `json:"committed,omitempty" doc:"Lines before it that are durably appended"`

	// RetryAfter is how long to wait before asking again; 0: the daemon does not say.
	RetryAfter time.Duration `json:"-"`

	foreign bool   // it is no problem+json: something else answered
	raw     []byte // as it came
}

// Error says what went wrong and what to do.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Detail
	}
	return e.Detail + " (" + e.Hint + ")"
}

// Is tells whether the error is of a kind, for errors.Is.
func (e *Error) Is(kind error) bool { return kind == e.kind() }

func (e *Error) kind() error {
	switch e.Status {
	case http.StatusBadRequest:
		return ErrBadRequest
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusPreconditionFailed:
		return ErrChanged
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge
	case http.StatusUnprocessableEntity:
		return ErrRefused
	case http.StatusTooManyRequests:
		return ErrTooMany
	case http.StatusInternalServerError:
		return ErrFailed
	case http.StatusBadGateway:
		return ErrRemote
	case http.StatusServiceUnavailable:
		return ErrStopping
	case http.StatusInsufficientStorage:
		return ErrFull
	}
	return nil
}

// passes tells whether the same call may be answered in a moment. A remote that fails has a pace of its own in the daemon.
func (e *Error) passes() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return e.Status == http.StatusBadGateway && e.foreign
}

// GetStatus is the HTTP status.
func (e *Error) GetStatus() int { return e.Status }

// GetHeaders are the headers that go with it.
func (e *Error) GetHeaders() http.Header {
	if e.RetryAfter <= 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(int((e.RetryAfter + time.Second - 1) / time.Second))}}
}

// ContentType is that of every error, whatever was negotiated.
func (e *Error) ContentType(string) string { return ProblemType }
