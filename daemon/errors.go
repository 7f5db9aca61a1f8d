package daemon

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// answerOf says an error to a caller: its status, its cause and what to do.
func answerOf(err error) *api.Error {
	var known *api.Error
	var refusal *setlog.Refusal
	var invalid *localstore.SchemaError
	var tooLarge *http.MaxBytesError
	var paused pausedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &paused):
		return paused.answer()
	case errors.As(err, &invalid):
		refused := answerOf(invalid.Unwrap())
		refused.Violations = violations(invalid.Violations)
		return refused
	case errors.As(err, &refusal):
		return problem(refusalStatus(refusal.Kind), refusal.Error(), refusal.Hint)
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, "the body is too large", "send many actions as NDJSON, each up to 1 MiB")
	case errors.Is(err, context.Canceled), errors.Is(err, localstore.ErrStopped):
		stopping := problem(http.StatusServiceUnavailable, "the daemon is stopping", "try again in a moment")
		stopping.RetryAfter = time.Second
		return stopping
	}
	for _, k := range knownErrors() {
		if errors.Is(err, k.is) {
			known := problem(k.status, plain(err), k.hint)
			known.Type = placeProblem(err)
			return known
		}
	}
	if hint := remote.Hint(err); hint != "" {
		return problem(http.StatusBadGateway, plain(err), hint)
	}
	return problem(http.StatusInternalServerError, plain(err), "the daemon's log may tell more")
}

func refusalStatus(kind setlog.RefusalKind) int {
	switch kind {
	case setlog.NotAlive:
		return http.StatusConflict
	case setlog.TooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}

// knownError is how an error of the floors below is answered.
type knownError struct {
	is     error
	status int
	hint   string
}

func knownErrors() []knownError {
	return []knownError{
		{localstore.ErrMatch, http.StatusPreconditionFailed, "read the node again, and decide anew"},
		{localstore.ErrKeyReused, http.StatusUnprocessableEntity, "use a fresh Idempotency-Key for each append"},
		{localstore.ErrUndone, http.StatusConflict, "to have it back, undo the entry that undid it"},
		{localstore.ErrClosed, http.StatusConflict, "the bucket was ended for everyone; make another one"},
		{localstore.ErrFull, http.StatusInsufficientStorage, "free some room on the disk, then try again"},
		{localstore.ErrCommit, http.StatusInternalServerError, "look at the disk's health"},
		{localstore.ErrNewer, http.StatusInternalServerError, "update SetLogger"},
		{localstore.ErrCorrupt, http.StatusInternalServerError, "move the file aside, then join the bucket again from its remote"},
		{encrypted.ErrMistyped, http.StatusUnprocessableEntity, "look at it again, group by group: it has six, and neither I, L, O nor U"},
		{encrypted.ErrWrongKey, http.StatusConflict, "nothing was written. Another key belongs to this share: look for it where the share was made (setlogger remote key NAME shows it there), or choose another folder"},
		{encrypted.ErrEncrypted, http.StatusConflict, "nothing was written. To take part in it, give its recovery key: setlogger remote add NAME REMOTE:PATH --join; or choose another folder"},
		{encrypted.ErrPlain, http.StatusConflict, "nothing was written. To take part in it: setlogger remote add without a key; for an encrypted share, choose an empty folder"},
		{encrypted.ErrForeign, http.StatusConflict, "choose an empty folder; if this is one with an encrypted share, are path and key right?"},
		{encrypted.ErrNewer, http.StatusConflict, "update SetLogger on this device"},
		{encrypted.ErrDamaged, http.StatusConflict, "try again; if it stays so, and only then, delete that file: a device that joins with the right key writes it again"},
		{errNoKey, http.StatusConflict, "setlogger remote remove, then remote add with the key; what waits to be synced stays here"},
		{replica.ErrShareMissing, http.StatusConflict, "if its disk or account is only away, bring it back; to begin a new share there: setlogger remote remove, then remote add"},
		{replica.ErrShareOther, http.StatusConflict, "bring the first share back; or, to take part in the other one: setlogger remote remove, then remote add"},
		{replica.ErrNotEmpty, http.StatusConflict, "name an empty folder; of an encrypted remote, look at its password"},
		{replica.ErrNewer, http.StatusConflict, "update SetLogger on this device"},
		{localstore.ErrExists, http.StatusConflict, "it is there already: see setlogger status"},
		{localstore.ErrMissing, http.StatusNotFound, "see what is there: setlogger status"},
	}
}

// plain is an error's text without the name of the package it begins with.
func plain(err error) string {
	text := err.Error()
	for _, name := range [...]string{"localstore: ", "replica: ", "remote: ", "setlog: ", "encrypted: "} {
		text = strings.ReplaceAll(text, name, "")
	}
	return text
}
