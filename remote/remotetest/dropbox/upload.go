package dropbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// commit is where an upload goes, and what becomes of a file that is there.
type commit struct {
	Path           string
	Mode           mode
	Autorename     bool
	ClientModified time.Time `json:"client_modified"`
	ContentHash    string    `json:"content_hash"`
}

// mode is add, overwrite or update; the API takes a tag or an object with one.
type mode struct{ tag, rev string }

// UnmarshalJSON takes both forms.
func (m *mode) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &m.tag) == nil {
		return nil
	}
	var long struct {
		Tag    string `json:".tag"`
		Update string
	}
	err := json.Unmarshal(data, &long)
	m.tag, m.rev = long.Tag, long.Update
	return err
}

func (s *Server) upload(c *call) (any, *refusal) {
	var arg commit
	data, refused := c.content(&arg)
	if refused != nil {
		return nil, refused
	}
	return s.commit(arg, data)
}

// content decodes the argument, and reads the file behind it whole; one that breaks off is dropped.
func (c *call) content(arg any) ([]byte, *refusal) {
	if refused := c.read(arg); refused != nil {
		return nil, refused
	}
	data, err := io.ReadAll(c.Body)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, text: err.Error()}
	}
	return data, nil
}

// commit makes a file of what was uploaded.
func (s *Server) commit(arg commit, data []byte) (any, *refusal) {
	if refused := malformed(arg.Path); refused != nil {
		return nil, refused
	}
	if arg.ContentHash != "" && arg.ContentHash != contentHash(data) {
		return nil, failed("content_hash_mismatch")
	}
	if !allowed(path.Base(arg.Path)) {
		return nil, unwritten("disallowed_name")
	}
	a := s.account
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used+int64(len(data)) > a.room {
		return nil, unwritten("insufficient_space")
	}
	above := a.folder(path.Dir(arg.Path))
	if above == nil {
		return nil, unwritten("conflict", "file")
	}
	n, refused := a.target(above, arg, data)
	if refused != nil {
		return nil, refused
	}
	a.store(n, data, arg.ClientModified)
	return n.metadata(false), nil
}

// target answers the file that an upload goes to: what is there, or a new one, by another name if need be.
func (a *account) target(above *node, arg commit, data []byte) (*node, *refusal) {
	name := path.Base(arg.Path)
	there := above.children[strings.ToLower(name)]
	switch {
	case there == nil:
	case there.children != nil && !arg.Autorename:
		return nil, unwritten("conflict", "folder")
	case there.children == nil && (arg.Mode.tag == "overwrite" || arg.Mode.tag == "update" && arg.Mode.rev == there.rev || bytes.Equal(there.data, data)):
		return there, nil
	case !arg.Autorename:
		return nil, unwritten("conflict", "file")
	default:
		name = a.otherName(above, name, arg.Mode.tag)
	}
	n := &node{name: name}
	a.add(above, n)
	return n, nil
}

// otherName is what Dropbox calls a file whose name is taken.
func (a *account) otherName(above *node, name, mode string) string {
	base, extension := strings.TrimSuffix(name, path.Ext(name)), path.Ext(name)
	for i := 1; ; i++ {
		other := fmt.Sprintf("%s (%d)%s", base, i, extension)
		if mode == "update" {
			other = base + " (conflicted copy)" + extension
			if i > 1 {
				other = fmt.Sprintf("%s (conflicted copy %d)%s", base, i, extension)
			}
		}
		if above.children[strings.ToLower(other)] == nil {
			return other
		}
	}
}

// allowed refuses the names that Dropbox keeps to itself.
func allowed(name string) bool {
	switch strings.ToLower(name) {
	case "desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr":
		return false
	}
	return len(name) <= 255 && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, " ")
}
