package dropbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// cursor is a place in a listing, or in the changes after it. Clients keep it as text.
type cursor struct {
	Path      string
	Recursive bool
	Limit     int
	After     string // path of the last entry shown, until the listing is through
	Through   bool   // the listing; then what changed since
	Seen      int    // changes of the account before the listing, or shown since
}

func (c cursor) String() string {
	text, _ := json.Marshal(c) // always encodes
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string) (c cursor, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	return c, err == nil && json.Unmarshal(data, &c) == nil
}

// start reads the argument of a listing.
func (s *Server) start(c *call) (cursor, *refusal) {
	arg := struct {
		Path      string
		Recursive bool
		Limit     int
	}{Limit: 2000}
	if refused := c.read(&arg); refused != nil {
		return cursor{}, refused
	}
	if arg.Path == "/" {
		return cursor{}, &refusal{status: http.StatusBadRequest, text: `Error in call: path: Specify the root folder as an empty string rather than as "/".`}
	}
	if s.options.PageLimit > 0 {
		arg.Limit = min(arg.Limit, s.options.PageLimit)
	}
	return cursor{Path: strings.ToLower(arg.Path), Recursive: arg.Recursive, Limit: arg.Limit, Seen: len(s.account.journal)}, nil
}

func (s *Server) listFolder(c *call) (any, *refusal) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	at, refused := s.start(c)
	if refused != nil {
		return nil, refused
	}
	return s.page(at)
}

func (s *Server) listContinue(c *call) (any, *refusal) {
	at, refused := readCursor(c)
	if refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if at.Through {
		return s.changes(at), nil
	}
	return s.page(at)
}

func (s *Server) latestCursor(c *call) (any, *refusal) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	at, refused := s.start(c)
	if refused != nil {
		return nil, refused
	}
	at.Through = true
	return object{"cursor": at.String()}, nil
}

func readCursor(c *call) (cursor, *refusal) {
	var arg struct{ Cursor string }
	if refused := c.read(&arg); refused != nil {
		return cursor{}, refused
	}
	at, ok := parseCursor(arg.Cursor)
	if !ok {
		return cursor{}, &refusal{status: http.StatusBadRequest, text: "Error in call: cursor: invalid"}
	}
	return at, nil
}

// page answers the next entries of a listing.
func (s *Server) page(at cursor) (any, *refusal) {
	folder := s.account.find(at.Path)
	if folder == nil {
		return nil, failed("path", "not_found")
	}
	if folder.children == nil {
		return nil, failed("path", "not_folder")
	}
	entries, more := []object{}, false
	for _, n := range folder.below(at.Recursive) {
		where := strings.ToLower(n.path())
		if at.After != "" && where <= at.After {
			continue
		}
		if more = len(entries) == at.Limit; more {
			break
		}
		entries = append(entries, n.metadata(true))
		at.After = where
	}
	if !more {
		at.After, at.Through = "", true
	}
	return object{"entries": entries, "cursor": at.String(), "has_more": more}, nil
}

// below answers what is in a folder, in the order of paths in lower case.
func (n *node) below(recursive bool) (all []*node) {
	for _, c := range n.children {
		all = append(all, c)
		if recursive {
			all = append(all, c.below(true)...)
		}
	}
	slices.SortFunc(all, func(a, b *node) int { return strings.Compare(strings.ToLower(a.path()), strings.ToLower(b.path())) })
	return all
}

// shows says whether a path, in lower case, belongs to the listing.
func (c cursor) shows(where string) bool {
	if c.Recursive {
		return strings.HasPrefix(where, c.Path+"/")
	}
	return where != "" && strings.TrimSuffix(path.Dir(where), "/") == c.Path
}

// changes answers what became of the paths that changed since.
func (s *Server) changes(at cursor) any {
	entries, told := []object{}, map[string]bool{}
	for ; at.Seen < len(s.account.journal) && len(entries) < at.Limit; at.Seen++ {
		display := s.account.journal[at.Seen]
		where := strings.ToLower(display)
		if told[where] || !at.shows(where) {
			continue
		}
		told[where] = true
		if n := s.account.find(where); n != nil {
			entries = append(entries, n.metadata(true))
		} else {
			entries = append(entries, object{".tag": "deleted", "name": path.Base(display), "path_lower": where, "path_display": display})
		}
	}
	return object{"entries": entries, "cursor": at.String(), "has_more": at.Seen < len(s.account.journal)}
}

// longpoll waits for a change.
func (s *Server) longpoll(c *call) (any, *refusal) {
	arg := struct{ Timeout int }{Timeout: 30}
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	at, refused := readCursor(c)
	if refused != nil || arg.Timeout < 30 || arg.Timeout > 480 {
		return nil, &refusal{status: http.StatusBadRequest, text: "Error in call: cursor, or timeout not within 30 to 480"}
	}
	end := time.NewTimer(time.Duration(arg.Timeout) * time.Second)
	defer end.Stop()
	for {
		changed, news := s.changedSince(at)
		if changed {
			return object{"changes": true}, nil
		}
		select {
		case <-news:
		case <-end.C:
			return object{"changes": false}, nil
		case <-c.Context().Done():
			return object{"changes": false}, nil
		}
	}
}

// changedSince says whether a listing would show something else, and what tells of the next change.
func (s *Server) changedSince(at cursor) (bool, chan struct{}) {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	for _, where := range s.account.journal[min(at.Seen, len(s.account.journal)):] {
		if at.shows(strings.ToLower(where)) {
			return true, nil
		}
	}
	return false, s.account.news
}
