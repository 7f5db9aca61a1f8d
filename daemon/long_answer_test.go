package daemon

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// writeDeadlines keeps until when an answer may be written.
type writeDeadlines struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *writeDeadlines) SetWriteDeadline(at time.Time) error {
	w.until = at
	return nil
}

// TestAnswerToLongWork: a backup may take hours, and its caller hears of it; what is bounded is how long an answer is read.
func TestAnswerToLongWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writeDeadlines{ResponseRecorder: httptest.NewRecorder()}
		for _, answer := range []func(w http.ResponseWriter){
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
			func(w http.ResponseWriter) { _, _ = w.Write([]byte("{}")) },
		} {
			w.until = time.Now().Add(answerTime) // by the gate
			work := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(2 * answerTime)
				answer(w)
			})
			c := &counting{metrics: newMetrics("test"), next: work}
			c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/backup", nil))
			if left := time.Until(w.until); left != answerTime {
				t.Errorf("%v are left for the answer", left)
			}
		}
	})
}
