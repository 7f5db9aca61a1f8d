package rclone

import (
	"context"
	"encoding/json"
	"errors"
	iofs "io/fs"
	"net"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fserrors"
	"github.com/rclone/rclone/lib/pacer"

	"github.com/setlogger/setlogger/remote"
)

// Failure is what every call of an opened remote answers in case of error. It wraps one of package remote's errors
// where the cause is known, and hides the path's secrets in its text.
type Failure struct {
	text  string
	kind  error
	cause error
	after time.Time
}

// Error says what was tried and what came of it.
func (f *Failure) Error() string { return f.text }

// Unwrap answers remote's error, if any, and rclone's.
func (f *Failure) Unwrap() []error {
	if f.kind == nil {
		return []error{f.cause}
	}
	return []error{f.kind, f.cause}
}

// RetryAfter answers when the remote wants to be asked again; zero when it did not say.
func (f *Failure) RetryAfter() time.Time { return f.after }

// Hint says what a person can do where package remote can't know.
func (f *Failure) Hint() string {
	switch {
	case errors.Is(f.cause, fs.ErrorNotFoundInConfigFile):
		return "There is no remote of this name in rclone's settings: rclone listremotes shows them, rclone config makes one."
	case errors.Is(f.cause, ErrSettings):
		return "Check the path's spelling and rclone's settings file (rclone config file); set RCLONE_CONFIG_PASS if it is encrypted."
	default:
		return ""
	}
}

// fail says what was tried; nil stays nil.
func (s *storage) fail(ctx context.Context, verb, name string, err error) error {
	if err == nil {
		return nil
	}
	f := &Failure{cause: err, kind: kindOf(err)}
	switch {
	case ctx.Err() != nil:
		f.kind = ctx.Err()
	case isAny(f.kind, remote.ErrNotExist) && verb != "read":
		f.kind = remote.ErrVanished // a folder or a bucket is not where it should be
	}
	if wait := retryAfter(err); wait > 0 {
		f.after = time.Now().Add(wait)
		if own := (*ownRefusal)(nil); wait > longestPause && !errors.As(err, &own) {
			s.rest(wait)
		}
	}
	f.text = strings.TrimSpace(verb+" "+name) + " at " + Mask(s.path) + ": "
	cause := err.Error()
	for _, secret := range secrets(s.path) {
		cause = strings.ReplaceAll(cause, secret, hidden)
	}
	if f.kind != nil && !errors.Is(err, f.kind) {
		f.text += f.kind.Error() + ": "
	}
	f.text += cause
	return f
}

// kindOf answers which of remote's errors this is, nil when none is known.
func kindOf(err error) error {
	for _, known := range []error{
		remote.ErrName, remote.ErrTooLarge, remote.ErrNotExist, remote.ErrFull, remote.ErrExpired, remote.ErrDenied, remote.ErrBusy,
		remote.ErrTwins, remote.ErrVanished, remote.ErrUnreachable,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	switch {
	case err == nil:
		return nil
	case isAny(err, fs.ErrorObjectNotFound, fs.ErrorIsDir, fs.ErrorNotAFile, errNoFolder):
		return remote.ErrNotExist
	case isAny(err, fs.ErrorDirNotFound):
		return remote.ErrVanished
	case isAny(err, fs.ErrorNotFoundInConfigFile, ErrSettings):
		return remote.ErrUnreachable
	case isAny(err, syscall.ENOSPC, syscall.EDQUOT) || fserrors.IsErrNoSpace(err):
		return remote.ErrFull
	case isAny(err, fs.ErrorPermissionDenied, iofs.ErrPermission, syscall.EROFS):
		return remote.ErrDenied
	}
	if kind := kindOfText(err.Error()); kind != nil {
		return kind
	}
	if kind := kindOfStatus(statusOf(err)); kind != nil {
		return kind
	}
	var network net.Error
	var garbled *json.SyntaxError // a text or a page where the service answers JSON
	if errors.As(err, &network) || errors.As(err, &garbled) || fserrors.ShouldRetry(err) {
		return remote.ErrUnreachable
	}
	return nil
}

// errNoFolder is rclone's ErrorDirNotFound where only a file was asked for.
var errNoFolder = errors.New("rclone: no folder for the file")

func isAny(err error, kinds ...error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// kindOfText knows the words of services whose status says less than their text.
func kindOfText(text string) error {
	text = strings.ToLower(text)
	for _, known := range []struct {
		kind  error
		words []string
	}{
		{remote.ErrFull, []string{
			"insufficient_space", "storagequotaexceeded", "quotalimitreached", "storage_limit_exceeded", "insufficient storage",
			"over quota", "quotaexceeded", "quota exceeded", "no space left",
		}},
		{remote.ErrBusy, []string{"ratelimitexceeded", "too_many_requests", "too many requests", "slowdown", "activitylimitreached"}},
		{remote.ErrExpired, []string{
			"invalid_grant", "expired_access_token", "invalid_access_token", "expiredtoken", "invalidauthenticationtoken", "token expired", "token has expired",
			"token is expired", "couldn't fetch token", "empty token found",
		}},
		{remote.ErrDenied, []string{"unable to authenticate", "accessdenied", "permission denied", "530 login"}},
		{remote.ErrUnreachable, []string{"no such host", "connection refused", "connection lost", "network is unreachable", "i/o timeout"}},
	} {
		for _, word := range known.words {
			if strings.Contains(text, word) {
				return known.kind
			}
		}
	}
	return nil
}

func kindOfStatus(status int) error {
	switch {
	case status == 404 || status == 410:
		return remote.ErrNotExist
	case status == 401:
		return remote.ErrExpired
	case status == 403:
		return remote.ErrDenied
	case status == 429:
		return remote.ErrBusy
	case status == 507:
		return remote.ErrFull
	case status >= 500, status == 408:
		return remote.ErrUnreachable
	default:
		return nil
	}
}

var statusText = regexp.MustCompile(`(?:HTTP error|StatusCode:|status code:?|Error) (\d{3})\b`)

// statusOf finds the HTTP status in an error. Every backend has an error type of its own, and nearly all keep the status
// in a field of one of a few names.
func statusOf(err error) int {
	for e := range chain(err) {
		if coded, ok := e.(interface{ HTTPStatusCode() int }); ok {
			return coded.HTTPStatusCode()
		}
		v := reflect.Indirect(reflect.ValueOf(e))
		if v.Kind() != reflect.Struct {
			continue
		}
		for _, name := range []string{"StatusCode", "Status", "Code", "HTTPStatus"} {
			if field := v.FieldByName(name); field.IsValid() && field.CanInt() && field.Int() >= 400 && field.Int() < 600 {
				return int(field.Int())
			}
		}
	}
	if match := statusText.FindStringSubmatch(err.Error()); match != nil {
		status, _ := strconv.Atoi(match[1])
		return status
	}
	return 0
}

// chain yields the error and all that it wraps, depth first.
func chain(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) { walk(err, yield) }
}

func walk(err error, yield func(error) bool) bool {
	if err == nil {
		return true
	}
	if !yield(err) {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // it is the walk down the chain itself
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), yield)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if !walk(inner, yield) {
				return false
			}
		}
	}
	return true
}

// passing says whether the same call may well succeed in a moment.
func passing(err error) bool {
	if isAny(err, fs.ErrorNotFoundInConfigFile, ErrSettings, fs.ErrorDirNotFound, errNoRoot, errStopped, errClosed) {
		return false
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false // nobody is there; rclone's own pauses grow with every such try
	}
	kind := kindOf(err)
	return errors.Is(kind, remote.ErrUnreachable) || errors.Is(kind, remote.ErrBusy) || fserrors.IsRetryError(err)
}

// retryAfter answers the pause that the remote asked for, 0 if none.
func retryAfter(err error) time.Duration {
	if wait, ok := pacer.IsRetryAfter(err); ok {
		return wait
	}
	if at := fserrors.RetryAfterErrorTime(err); !at.IsZero() {
		return max(time.Until(at), 0)
	}
	return 0
}
