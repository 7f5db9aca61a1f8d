package api

// ProblemType is the content type of every error.
const ProblemType = "application/problem+json"

// Error is problem+json (RFC 9457), with a hint.
type Error struct {
	Type       string      `json:"type,omitempty"`
	Title      string      `json:"title" doc:"The status in words"`
	Status     int         `json:"status"`
	Detail     string      `json:"detail" doc:"What went wrong, in a sentence"`
	Hint       string      `json:"hint,omitempty" doc:"What to do about it"`
	Violations []Violation `json:"violations,omitempty" nullable:"false" doc:"What the bucket's schema does not allow"`
	Line       *uint64     `json:"line,omitempty" doc:"First refused line of an NDJSON body, from 1"`
	Committed  *uint64     `json:"committed,omitempty" doc:"Lines before it that are durably appended"`
}

// Error says what went wrong and what to do.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Detail
	}
	return e.Detail + " (" + e.Hint + ")"
}

// GetStatus is the HTTP status.
func (e *Error) GetStatus() int { return e.Status }

// ContentType is that of every error, whatever was negotiated.
func (e *Error) ContentType(string) string { return ProblemType }
