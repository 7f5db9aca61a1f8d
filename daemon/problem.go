package daemon

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/setlogger/setlogger/api"
)

// problem makes the answer of a refusal.
func problem(status int, detail, hint string) *api.Error {
	return &api.Error{Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint}
}

// writeProblem answers with problem+json.
func writeProblem(w http.ResponseWriter, e *api.Error) {
	maps.Copy(w.Header(), e.GetHeaders())
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e) // the caller is gone
}
