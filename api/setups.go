package api

import (
	"context"
	"net/http"
	"time"
)

// SetupKinds tells what a remote can be set up on.
type SetupKinds struct {
	Kinds []RemoteKind  `json:"kinds" nullable:"false" doc:"Those for most people first"`
	Known []KnownRemote `json:"known" nullable:"false" doc:"Remotes that rclone's settings hold already, without their secrets"`
}

// RemoteKind is a kind of place.
type RemoteKind struct {
	Name  string `json:"name" doc:"As rclone has it"`
	Title string `json:"title" doc:"As people say it"`
	Text  string `json:"text"`
}

// KnownRemote is a remote of rclone's settings.
type KnownRemote struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// SetupStart says what to set up: a new place of a kind, or a folder on a remote that rclone knows.
type SetupStart struct {
	Name  string `json:"name" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$" doc:"Of the remote to be"`
	Kind  string `json:"kind,omitempty" doc:"A kind of the list"`
	Known string `json:"known,omitempty" doc:"Instead of a kind: a remote of rclone's settings"`

	Encrypt bool   `json:"encrypt,omitempty" doc:"As of a remote"`
	Key     string `json:"key,omitempty" doc:"As of a remote; POST /v1/keys makes one before the place is known, too"`
	Notify  string `json:"notify,omitempty" doc:"As of a remote"`
}

// SetupAnswer answers the question that stands.
type SetupAnswer struct {
	Question string `json:"question" doc:"Name of the question that is answered"`
	Answer   string `json:"answer" doc:"One line; empty: the default, or what was given before"`
}

// Setup tells how a setup stands: it has a question, or it is over. Then it has the remote that was made, if it was.
type Setup struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Expires  time.Time      `json:"expires" doc:"Each answer puts it off"`
	Question *SetupQuestion `json:"question,omitempty" doc:"To be answered next"`
	Test     *RemoteTest    `json:"test,omitempty" doc:"How the place that the answers name was tried"`
	Remote   *RemoteStatus  `json:"remote,omitempty"`
}

// SetupQuestion is one that a person is asked.
type SetupQuestion struct {
	Name     string        `json:"name"`
	Help     string        `json:"help"`
	Choices  []SetupChoice `json:"choices,omitempty"`
	Only     bool          `json:"only,omitempty" doc:"Nothing but the choices"`
	Default  string        `json:"default,omitempty" doc:"What an empty answer means"`
	Required bool          `json:"required,omitempty" doc:"Not to be left empty where there is no default"`
	Secret   bool          `json:"secret,omitempty" doc:"Not to be shown while it is typed"`
	Kept     bool          `json:"kept,omitempty" doc:"An empty answer keeps the secret that was given before"`
	Folder   bool          `json:"folder,omitempty" doc:"A folder of the daemon's machine"`
	Address  string        `json:"address,omitempty" doc:"To be opened in a browser on the daemon's machine. An empty answer waits for what comes of it, up to 25 s"`
}

// SetupChoice is an answer that can be chosen.
type SetupChoice struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// VerdictQuestion is the question after a test that failed; its choices are the verdicts.
const VerdictQuestion = "verdict"

// Verdicts on a place whose test failed.
const (
	VerdictAgain = "again" // ask everything again, with the answers given as defaults; at any time
	VerdictKeep  = "keep"  // name it all the same
	VerdictDrop  = "drop"  // give it up
)

// SetupKinds lists what a remote can be set up on.
func (c *Client) SetupKinds(ctx context.Context) (*SetupKinds, error) {
	var all SetupKinds
	return &all, c.get(ctx, call{method: http.MethodGet, path: "/v1/setups"}, &all)
}

// BeginSetup begins to set up a remote by questions. It is not sent twice. ErrConflict: the name is taken.
func (c *Client) BeginSetup(ctx context.Context, start SetupStart) (*Setup, error) {
	var s Setup
	return &s, c.get(ctx, call{method: http.MethodPost, path: "/v1/setups", body: start, once: true}, &s)
}

// Setup tells how a setup stands. ErrNotFound: it is over.
func (c *Client) Setup(ctx context.Context, id string) (*Setup, error) {
	var s Setup
	return &s, c.get(ctx, call{method: http.MethodGet, path: setupPath(id)}, &s)
}

// AnswerSetup answers the question that stands. After the last the place is tried, which takes up to a minute, and named when
// that goes well. It is not sent twice. ErrRefused: the answer will not do, and what stands now may be an earlier question;
// ErrConflict: another question stands, or another setup is signing in.
func (c *Client) AnswerSetup(ctx context.Context, id string, a SetupAnswer) (*Setup, error) {
	var s Setup
	return &s, c.get(ctx, call{method: http.MethodPost, path: setupPath(id), body: a, once: true}, &s)
}

// DropSetup gives a setup up; nothing of it is left.
func (c *Client) DropSetup(ctx context.Context, id string) error {
	return c.get(ctx, call{method: http.MethodDelete, path: setupPath(id)}, nil)
}

func setupPath(id string) string { return "/v1/setups/" + escape(id) }
