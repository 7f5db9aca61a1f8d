package dropbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"
)

// lookUp answers the node of a path; the caller holds the lock.
func (s *Server) lookUp(where, tag string) (*node, *refusal) {
	if refused := malformed(where); refused != nil {
		return nil, refused
	}
	if n := s.account.find(where); n != nil {
		return n, nil
	}
	return nil, failed(tag, "not_found")
}

func (s *Server) getMetadata(c *call) (any, *refusal) {
	var arg struct{ Path string }
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	n, refused := s.lookUp(arg.Path, "path")
	if refused != nil {
		return nil, refused
	}
	return n.metadata(true), nil
}

func (s *Server) createFolder(c *call) (any, *refusal) {
	var arg struct{ Path string }
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	if refused := malformed(arg.Path); refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	if n := s.account.find(arg.Path); n != nil {
		return nil, failed("path", "conflict", kind(n))
	}
	n := s.account.folder(arg.Path)
	if n == nil {
		return nil, failed("path", "conflict", "file")
	}
	return object{"metadata": n.metadata(false)}, nil
}

func (s *Server) remove(c *call) (any, *refusal) {
	var arg struct{ Path string }
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	n, refused := s.lookUp(arg.Path, "path_lookup")
	if refused != nil {
		return nil, refused
	}
	s.account.drop(n)
	return object{"metadata": n.metadata(true)}, nil
}

func (s *Server) move(c *call) (any, *refusal) {
	var arg struct {
		FromPath string `json:"from_path"`
		ToPath   string `json:"to_path"`
	}
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	n, refused := s.lookUp(arg.FromPath, "from_lookup")
	if refused != nil {
		return nil, refused
	}
	if refused := malformed(arg.ToPath); refused != nil {
		return nil, refused
	}
	if there := s.account.find(arg.ToPath); there != nil && there != n {
		return nil, failed("to", "conflict", kind(there))
	}
	above := s.account.folder(path.Dir(arg.ToPath))
	if above == nil {
		return nil, failed("to", "conflict", "file")
	}
	s.account.note(n.path())
	delete(n.parent.children, strings.ToLower(n.name))
	n.parent, n.name = above, path.Base(arg.ToPath)
	above.children[strings.ToLower(n.name)] = n
	s.account.note(n.path())
	return object{"metadata": n.metadata(true)}, nil
}

func (s *Server) download(c *call) (any, *refusal) {
	var arg struct{ Path string }
	if refused := c.read(&arg); refused != nil {
		return nil, refused
	}
	s.account.mu.Lock()
	n, refused := s.lookUp(arg.Path, "path")
	if refused == nil && n.children != nil {
		refused = failed("path", "not_file")
	}
	if refused != nil {
		s.account.mu.Unlock()
		return nil, refused
	}
	result, _ := json.Marshal(n.metadata(false)) // always encodes
	data := n.data
	s.account.mu.Unlock()
	c.served = true
	c.w.Header().Set("Dropbox-API-Result", string(result))
	c.w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(c.w, c.Request, "", time.Time{}, bytes.NewReader(data))
	return nil, nil
}

// kind is the tag of what is in the way.
func kind(n *node) string {
	if n.children == nil {
		return "file"
	}
	return "folder"
}
