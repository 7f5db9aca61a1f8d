package dropbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// route is one call of the API.
type route struct {
	host    string
	content bool // its argument comes in a header, and the body is a file's
	open    bool // no login needed
	do      func(c *call) (answer any, refused *refusal)
}

// call is a request under way.
type call struct {
	*http.Request
	w      http.ResponseWriter
	arg    []byte
	served bool // the answer is written already
}

func (s *Server) table() map[string]route {
	rpc := func(do func(c *call) (any, *refusal)) route { return route{host: apiHost, do: do} }
	content := func(do func(c *call) (any, *refusal)) route { return route{host: contentHost, content: true, do: do} }
	return map[string]route{
		"/oauth2/token":                          {host: apiHost, open: true, do: s.token},
		"/2/users/get_current_account":           rpc(s.currentAccount),
		"/2/users/get_space_usage":               rpc(s.spaceUsage),
		"/2/files/get_metadata":                  rpc(s.getMetadata),
		"/2/files/create_folder_v2":              rpc(s.createFolder),
		"/2/files/delete_v2":                     rpc(s.remove),
		"/2/files/move_v2":                       rpc(s.move),
		"/2/files/list_folder":                   rpc(s.listFolder),
		"/2/files/list_folder/continue":          rpc(s.listContinue),
		"/2/files/list_folder/get_latest_cursor": rpc(s.latestCursor),
		"/2/files/list_folder/longpoll":          {host: notifyHost, open: true, do: s.longpoll},
		"/2/files/download":                      content(s.download),
		"/2/files/upload":                        content(s.upload),
		"/2/files/upload_session/start":          content(s.sessionStart),
		"/2/files/upload_session/append_v2":      content(s.sessionAppend),
		"/2/files/upload_session/finish":         content(s.sessionFinish),
	}
}

// maxArg bounds an argument, in bytes.
const maxArg = 1 << 20

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests[r.URL.Path]++
	s.mu.Unlock()
	way, ok := s.routes[r.URL.Path]
	if !ok || r.Method != http.MethodPost || r.Host != way.host {
		http.Error(w, "Unknown API function: "+r.Method+" "+r.Host+r.URL.Path, http.StatusNotFound)
		return
	}
	c := &call{Request: r, w: w}
	if refused := s.admit(c, way); refused != nil {
		_, _ = io.Copy(io.Discard, r.Body) // or a client that still sends does not hear the refusal
		refused.send(w)
		return
	}
	answer, refused := way.do(c)
	switch {
	case refused != nil:
		refused.send(w)
	case !c.served:
		reply(w, http.StatusOK, answer)
	}
}

// admit checks login and limits, and reads the argument.
func (s *Server) admit(c *call, way route) *refusal {
	if !way.open {
		token := strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ")
		device, ok := s.tokens.device(token)
		if !ok {
			return &refusal{status: http.StatusUnauthorized, body: object{"error_summary": "invalid_access_token/..", "error": object{".tag": "invalid_access_token"}}}
		}
		if refused := s.limits.meet(device, c.URL.Path); refused != nil {
			return refused
		}
	}
	c.arg = []byte(c.Header.Get("Dropbox-API-Arg"))
	if !way.content && c.Header.Get("Content-Type") == "application/json" {
		arg, err := io.ReadAll(io.LimitReader(c.Body, maxArg))
		if err != nil {
			return &refusal{status: http.StatusBadRequest, text: err.Error()}
		}
		c.arg = arg
	}
	return nil
}

// read decodes the argument.
func (c *call) read(arg any) *refusal {
	if err := json.Unmarshal(c.arg, arg); err != nil {
		return &refusal{status: http.StatusBadRequest, text: "Error in call: could not decode input as JSON: " + err.Error()}
	}
	return nil
}

// token renews a login.
func (s *Server) token(c *call) (any, *refusal) {
	access, ok := s.tokens.renew(c.FormValue("refresh_token"))
	if !ok || c.FormValue("grant_type") != "refresh_token" {
		return nil, &refusal{status: http.StatusBadRequest, body: object{"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"}}
	}
	return object{"access_token": access, "token_type": "bearer", "expires_in": 14400}, nil
}

func (s *Server) currentAccount(*call) (any, *refusal) {
	return object{
		"account_id": "dbid:setlogger", "email": "user@example.com", "email_verified": true, "disabled": false, "country": "DE", "locale": "en",
		"referral_link": "https://example.com", "is_paired": false, "account_type": object{".tag": "basic"},
		"name":      object{"given_name": "A", "surname": "B", "familiar_name": "A", "display_name": "A B", "abbreviated_name": "AB"},
		"root_info": object{".tag": "user", "root_namespace_id": "1", "home_namespace_id": "1"},
	}, nil
}

func (s *Server) spaceUsage(*call) (any, *refusal) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	return object{"used": s.account.used, "allocation": object{".tag": "individual", "allocated": s.account.room}}, nil
}
