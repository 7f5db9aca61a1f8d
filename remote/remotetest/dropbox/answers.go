package dropbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// refusal is an answer that is no success: JSON, or text where body is nil.
type refusal struct {
	status int
	text   string
	body   object
	after  int // seconds of Retry-After
}

// failed is an error of an endpoint, in the nested unions in which the API tells them: failed("path", "not_found").
func failed(tags ...string) *refusal {
	return &refusal{status: http.StatusConflict, body: object{"error_summary": summary(tags), "error": union(tags)}}
}

// unwritten is failed for an upload, which tells the reason beside a session.
func unwritten(tags ...string) *refusal {
	return &refusal{status: http.StatusConflict, body: object{
		"error_summary": summary(append([]string{"path"}, tags...)),
		"error":         object{".tag": "path", "reason": union(tags), "upload_session_id": "none"},
	}}
}

// summary ends in dots, which are there to keep programs from comparing it.
func summary(tags []string) string { return strings.Join(tags, "/") + "/.." }

func union(tags []string) object {
	u := object{".tag": tags[0]}
	if len(tags) > 1 {
		u[tags[0]] = union(tags[1:])
	}
	return u
}

// send writes the refusal.
func (r *refusal) send(w http.ResponseWriter) {
	if r.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.after))
	}
	if r.body == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte(r.text)) // who hung up does not read it
		return
	}
	reply(w, r.status, r.body)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who hung up does not read it
}
