package daemon

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

const (
	writeTime = 30 * time.Second // for a reader to take what is written
	pollTime  = 30 * time.Second // a long poll answers empty after it
	beatTime  = 15 * time.Second // between signs of life of a quiet stream
)

// lineWriter writes a stream of lines, each flush within a time.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	kind    string
	begun   bool
	buffer  []byte
}

func newLineWriter(w http.ResponseWriter) *lineWriter {
	return &lineWriter{w: w, control: http.NewResponseController(w), kind: api.LinesType}
}

func (l *lineWriter) flush() error {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", l.kind)
		l.w.WriteHeader(http.StatusOK)
	}
	if err := l.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := l.w.Write(l.buffer)
	l.buffer = l.buffer[:0]
	return err
}

// push flushes and sends at once.
func (l *lineWriter) push() error {
	if err := l.flush(); err != nil {
		return err
	}
	return l.control.Flush()
}

// fail answers an error while that is possible, else breaks the connection.
func (l *lineWriter) fail(err error) error {
	if l.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// readLog answers entries in the order they reached this device, and with live= those that come.
func (d *Daemon) readLog(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	query := r.URL.Query()
	from := query.Get("after")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		from = last
	}
	after, err := offsetOf(from)
	if err != nil {
		return err
	}
	limit, err := limitOf(query.Get("limit"), false)
	if err != nil {
		return err
	}
	switch query.Get("live") {
	case "":
		return writeLog(w, r, b, after, limit)
	case "long-poll":
		ctx, end := d.beginStream(r)
		defer end()
		err := wait(ctx, b, after, pollTime)
		switch {
		case callerOf(ctx).letOut():
			return unknownToken()
		case err != nil:
			return err
		}
		return writeLog(w, r, b, after, limit)
	case "sse":
		return d.followLog(w, r, b, after)
	}
	return problem(http.StatusBadRequest, "live is neither sse nor long-poll", "leave it out to read what is there")
}

// offsetOf reads the place that an entry gave; nothing is the beginning.
func offsetOf(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	offset, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, problem(http.StatusBadRequest, "the offset is not one that an entry gave", "begin again without after=")
	}
	return offset, nil
}

// wait answers nil when there is an entry after the offset, or the time is over.
func wait(ctx context.Context, b *heldBucket, after uint64, limit time.Duration) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := b.Wait(within, after)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

func writeLog(w http.ResponseWriter, r *http.Request, b *heldBucket, after uint64, limit int) error {
	entries, err := b.Log(after, limit)
	if err != nil {
		return err
	}
	var out []byte
	lines := wantsLines(r)
	for _, e := range entries {
		if len(out) > 0 && !lines {
			out = append(out, ',')
		}
		out = appendEntry(out, e)
		if lines {
			out = append(out, '\n')
		}
		after = e.Offset
	}
	if lines {
		w.Header().Set("Content-Type", api.LinesType)
		_, _ = w.Write(out) // the caller is gone
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	head := []byte(`{"entries":[`)
	tail := []byte(`],"next":"` + strconv.FormatUint(after, 10) + "\"}\n")
	_, _ = w.Write(append(append(head, out...), tail...)) // the caller is gone
	return nil
}

// appendEntry adds {"offset","writer","entry"}.
func appendEntry(dst []byte, e localstore.LogEntry) []byte {
	dst = append(dst, `{"offset":"`...)
	dst = strconv.AppendUint(dst, e.Offset, 10)
	dst = append(dst, `","writer":`...)
	dst, _ = jsontext.AppendQuote(dst, e.Writer.String()) // base32
	return append(append(append(dst, `,"entry":`...), e.Line...), '}')
}

// followLog sends each entry as an event, until the caller goes or is let out, or the daemon stops.
func (d *Daemon) followLog(w http.ResponseWriter, r *http.Request, b *heldBucket, after uint64) error {
	defer d.metrics.noteStream("log")()
	ctx, end := d.beginStream(r)
	defer end()
	out := newLineWriter(w)
	out.kind = api.EventsType
	out.buffer = append(out.buffer, ": here are the entries\n\n"...)
	for {
		entries, err := b.Log(after, defaultPage)
		if err != nil {
			return out.fail(err)
		}
		for _, e := range entries {
			out.buffer = append(strconv.AppendUint(append(out.buffer, "id: "...), e.Offset, 10), "\ndata: "...)
			out.buffer = append(appendEntry(out.buffer, e), "\n\n"...)
			after = e.Offset
		}
		if err := d.metrics.noteWrite(out.push()); err != nil {
			return nil //nolint:nilerr // the caller is gone
		}
		if len(entries) == defaultPage && ctx.Err() == nil {
			continue
		}
		if err := wait(ctx, b, after, beatTime); err != nil {
			return nil //nolint:nilerr // the caller is gone or was let out, or the daemon stops: the stream just ends
		}
		out.buffer = append(out.buffer, ": alive\n\n"...)
	}
}
