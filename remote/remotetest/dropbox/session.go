package dropbox

import "fmt"

// session is an upload in parts.
type session struct {
	data   []byte
	closed bool
}

// cursor is how far a client believes a session to be.
type sessionCursor struct {
	SessionID string `json:"session_id"`
	Offset    int
}

func (s *Server) sessionStart(c *call) (any, *refusal) {
	var arg struct{ Close bool }
	data, refused := c.content(&arg)
	if refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("session-%d", len(s.sessions))
	s.sessions[id] = &session{data: data, closed: arg.Close}
	return object{"session_id": id}, nil
}

func (s *Server) sessionAppend(c *call) (any, *refusal) {
	var arg struct {
		Cursor sessionCursor
		Close  bool
	}
	data, refused := c.content(&arg)
	if refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.sessions[arg.Cursor.SessionID]
	switch {
	case at == nil:
		return nil, failed("not_found")
	case at.closed:
		return nil, failed("closed")
	case arg.Cursor.Offset != len(at.data):
		refused := failed("incorrect_offset")
		refused.body["error"] = object{".tag": "incorrect_offset", "correct_offset": len(at.data)}
		return nil, refused
	}
	at.data, at.closed = append(at.data, data...), arg.Close
	return object{}, nil
}

func (s *Server) sessionFinish(c *call) (any, *refusal) {
	var arg struct {
		Cursor sessionCursor
		Commit commit
	}
	rest, refused := c.content(&arg)
	if refused != nil {
		return nil, refused
	}
	s.mu.Lock()
	at := s.sessions[arg.Cursor.SessionID]
	if at == nil || arg.Cursor.Offset != len(at.data) {
		s.mu.Unlock()
		return nil, failed("lookup_failed", "not_found")
	}
	at.data, at.closed = append(at.data, rest...), true
	data := at.data
	s.mu.Unlock()
	return s.commit(arg.Commit, data)
}
