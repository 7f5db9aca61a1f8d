package daemon

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/setlogger/setlogger/api"
)

const jsonType = "application/json"

// kindOf is the media type of the body, without its parameters; empty when there is none, or more than one.
func kindOf(r *http.Request) string {
	kinds := r.Header["Content-Type"]
	if len(kinds) != 1 {
		return ""
	}
	if kinds[0] == jsonType || kinds[0] == api.LinesType {
		return kinds[0]
	}
	kind, _, err := mime.ParseMediaType(kinds[0])
	if err != nil {
		return ""
	}
	return kind
}

// isLines tells whether the body is a stream of lines.
func isLines(r *http.Request) bool { return kindOf(r) == api.LinesType }

// limitBody bounds the size and the time of a body, from now on, whether it is read or not.
func limitBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	timed := &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	if isLines(r) {
		timed.pause = idleTime
		_ = timed.extend(idleTime)
		return timed
	}
	_ = timed.extend(bodyTime)
	return http.MaxBytesReader(w, timed, maxBody)
}

// timedBody ends a body whose sender takes too long. The deadline is lifted at the end of the body: left in place, it
// would end the request while it is being answered.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	pause   time.Duration // between two reads; 0: the whole body has the time that was set at first
}

func (b *timedBody) Read(p []byte) (int, error) {
	if b.pause > 0 {
		if err := b.extend(b.pause); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // the connection's own error, if any, is err
	}
	return n, err
}

func (b *timedBody) extend(d time.Duration) error {
	err := b.control.SetReadDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
