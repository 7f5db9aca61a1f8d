package daemon

import (
	"net/http"
	"strings"
	"time"
)

// counting counts the requests that the gate lets through.
type counting struct {
	metrics *metrics
	next    http.Handler
}

// ServeHTTP passes a request on, and counts how it was answered.
func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &seenWriter{ResponseWriter: w, began: began}
	defer func() { // when a handler breaks the connection, too
		route, method := routeOf(r.Pattern), methodOf(r.Method)
		c.metrics.noteRequest(route, method, seen.status)
		if !waits(r) {
			c.metrics.requestTime.WithLabelValues(route, method).Observe(time.Since(began).Seconds())
		}
	}()
	c.next.ServeHTTP(seen, r)
}

func (m *metrics) noteRequest(route, method string, status int) {
	m.requests.WithLabelValues(route, method, classOf(status)).Inc()
}

// noteRefusal counts a request that the gate did not let in.
func (m *metrics) noteRefusal(method string, status int) {
	m.noteRequest("refused", methodOf(method), status)
}

// waits tells whether a request is long by its nature.
func waits(r *http.Request) bool {
	return r.URL.Path == streamPath || strings.Contains(r.URL.RawQuery, "live=")
}

// routeOf is the path of a pattern, as the OpenAPI document has it: never a name or an id.
func routeOf(pattern string) string {
	_, route, found := strings.Cut(pattern, " ")
	if !found {
		return "unknown"
	}
	if head, found := strings.CutSuffix(route, "...}"); found {
		return head + "}"
	}
	return strings.TrimSuffix(route, "{$}")
}

// methodOf keeps what callers make up out of the labels.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func classOf(status int) string {
	switch status / 100 {
	case 1:
		return "1xx"
	case 0, 2: // nothing was written: an empty success
		return "2xx"
	case 3:
		return "3xx"
	case 4:
		return "4xx"
	}
	return "5xx"
}

// seenWriter keeps the status of an answer.
type seenWriter struct {
	http.ResponseWriter

	began  time.Time
	status int // 0: none was set
	begun  bool
}

// longWork is how long a call may have lasted for its answer to need no more time than the gate gave it.
const longWork = time.Minute

// begin gives the answer to long work the time that every answer has to be read.
func (w *seenWriter) begin() {
	if !w.begun && time.Since(w.began) > longWork {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(answerTime)) // a real connection has it
	}
	w.begun = true
}

// WriteHeader keeps the status.
func (w *seenWriter) WriteHeader(status int) {
	if w.status < http.StatusOK {
		w.status = status
	}
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(data []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
