package api

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// SecretHeader carries the secret with which an app that asked to be let in polls.
const SecretHeader = "Setlogger-Secret"

// AppState tells how an app stands.
type AppState string

// The states of an app, in the order in which a person should look at them.
const (
	AppPending  AppState = "pending"  // it asks to be let in
	AppApproved AppState = "approved" // it may fetch its token
	AppActive   AppState = "active"   // it has one
	AppDenied   AppState = "denied"
)

// Rank orders the states.
func (s AppState) Rank() int {
	return slices.Index([]AppState{AppPending, AppApproved, AppActive, AppDenied}, s)
}

// App is a program or web page that was let in, or asks to be.
type App struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Origin  string     `json:"origin,omitempty" doc:"Of the web page that it is; none: a program"`
	Scopes  []string   `json:"scopes" nullable:"false" doc:"todos:rw, photos/*:r, admin"`
	State   AppState   `json:"state" enum:"pending,approved,active,denied"`
	Code    string     `json:"code,omitempty" doc:"Of one that asks: the person compares it with what the app shows"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty" doc:"Of one that asks: until when"`
	Used    *time.Time `json:"used,omitempty" doc:"When it last called, within minutes"`
	Token   string     `json:"token,omitempty" doc:"Answered once, to whom it is for"`
}

// Apps lists apps.
type Apps struct {
	Apps []App `json:"apps" nullable:"false"`
}

// AppRequest asks for an app to be let in.
type AppRequest struct {
	Name    string   `json:"name" minLength:"1" maxLength:"80" doc:"What the person sees"`
	Origin  string   `json:"origin,omitempty" doc:"Of the web page, as the browser sends it; a page may leave it out"`
	Scopes  []string `json:"scopes" nullable:"false" minItems:"1" maxItems:"32" doc:"todos:rw, photos/*:r, admin"`
	Approve bool     `json:"approve,omitempty" doc:"Let it in at once and answer its token: for callers with the scope admin"`
}

// AppAsked answers a request to be let in.
type AppAsked struct {
	App
	Secret string `json:"secret,omitempty" doc:"Sent as Setlogger-Secret to GET /v1/apps/{id}, which answers the token once a person has agreed"`
}

// AskApp asks for the program to be let in: a person compares the code, then PollApp answers the token. It is not sent twice.
// ErrTooMany: too many wait already.
func (c *Client) AskApp(ctx context.Context, request AppRequest) (*AppAsked, error) {
	var a AppAsked
	return &a, c.get(ctx, call{method: http.MethodPost, path: "/v1/apps", body: request, once: true}, &a)
}

// PollApp answers how a request stands, and once its token. It is not sent twice: if the answer with the token is lost, ask
// anew. ErrNotFound: the request is over.
func (c *Client) PollApp(ctx context.Context, id, secret string) (*App, error) {
	var a App
	header := http.Header{SecretHeader: {secret}}
	return &a, c.get(ctx, call{method: http.MethodGet, path: "/v1/apps/" + escape(id), header: header, once: true}, &a)
}

// AddApp lets a program in and answers its token; it takes the scope admin. It is not sent twice.
func (c *Client) AddApp(ctx context.Context, request AppRequest) (*AppAsked, error) {
	request.Approve = true
	return c.AskApp(ctx, request)
}

// Apps lists the apps that ask and those that were let in.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	var all Apps
	err := c.get(ctx, call{method: http.MethodGet, path: "/v1/apps"}, &all)
	return all.Apps, err
}

// ApproveApp lets in the app that asks under an id.
func (c *Client) ApproveApp(ctx context.Context, id string) (*App, error) {
	var a App
	return &a, c.get(ctx, call{method: http.MethodPost, path: "/v1/apps/" + escape(id) + "/approve"}, &a)
}

// RemoveApp revokes an app, or denies one that asks.
func (c *Client) RemoveApp(ctx context.Context, id string) error {
	return c.get(ctx, call{method: http.MethodDelete, path: "/v1/apps/" + escape(id)}, nil)
}
