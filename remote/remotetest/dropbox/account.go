package dropbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// account is the files of one user. Paths keep the case in which they were made, and are found in any.
type account struct {
	mu      sync.Mutex
	root    *node
	byID    map[string]*node
	made    int // nodes and revisions so far
	room    int64
	used    int64
	journal []string      // paths that changed, in order
	news    chan struct{} // closed by the next change
}

// node is a file or a folder.
type node struct {
	parent   *node
	name     string
	id       string
	children map[string]*node // of a folder, by name in lower case; nil for a file

	data     []byte
	rev      string
	hash     string
	client   time.Time
	received time.Time
}

func newAccount() *account {
	return &account{root: &node{children: map[string]*node{}}, byID: map[string]*node{}, room: 1 << 40, news: make(chan struct{})}
}

// find answers the node of a path, "id:…" or "rev:…"; nil when there is none.
func (a *account) find(where string) *node {
	if strings.HasPrefix(where, "id:") {
		return a.byID[where]
	}
	if rev, ok := strings.CutPrefix(where, "rev:"); ok {
		for _, n := range a.byID {
			if n.rev == rev {
				return n
			}
		}
		return nil
	}
	at := a.root
	for step := range strings.SplitSeq(strings.TrimPrefix(strings.ToLower(where), "/"), "/") {
		if step == "" {
			continue
		}
		if at = at.children[step]; at == nil {
			return nil
		}
	}
	return at
}

// folder answers the folder of a path, made with those above it where they are not there; nil when a file is in the way.
func (a *account) folder(where string) *node {
	if where == "/" || where == "" || where == "." {
		return a.root
	}
	if n := a.find(where); n != nil {
		if n.children == nil {
			return nil
		}
		return n
	}
	above := a.folder(path.Dir(where))
	if above == nil {
		return nil
	}
	n := &node{name: path.Base(where), children: map[string]*node{}}
	a.add(above, n)
	return n
}

// add puts a new node into a folder.
func (a *account) add(above, n *node) {
	a.made++
	n.parent, n.id = above, fmt.Sprintf("id:setlogger%013d", a.made)
	above.children[strings.ToLower(n.name)] = n
	a.byID[n.id] = n
	a.note(n.path())
}

// store gives a file its content and a new revision.
func (a *account) store(n *node, data []byte, client time.Time) {
	a.made++
	a.used += int64(len(data) - len(n.data))
	n.data, n.hash, n.rev = data, contentHash(data), fmt.Sprintf("%015x", a.made)
	n.client, n.received = client, time.Now()
	if client.IsZero() {
		n.client = n.received
	}
	a.note(n.path())
}

// drop takes a node out, with all below it.
func (a *account) drop(n *node) {
	for _, c := range n.children {
		a.drop(c)
	}
	a.used -= int64(len(n.data))
	delete(n.parent.children, strings.ToLower(n.name))
	delete(a.byID, n.id)
	a.note(n.path())
}

// note keeps that a path changed, and wakes who waits for that.
func (a *account) note(path string) {
	a.journal = append(a.journal, path)
	close(a.news)
	a.news = make(chan struct{})
}

func (a *account) count(where string) (files int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if folder := a.find(where); folder != nil {
		for _, n := range folder.below(true) {
			if n.children == nil {
				files++
			}
		}
	}
	return files
}

// path is "" for the root, else begins with a slash.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	return n.parent.path() + "/" + n.name
}

// metadata is the node as the API shows it; the tag is left out where the answer can be but one kind.
func (n *node) metadata(tagged bool) object {
	m := object{"name": n.name, "id": n.id, "path_lower": strings.ToLower(n.path()), "path_display": n.path()}
	tag := "folder"
	if n.children == nil {
		tag = "file"
		maps.Copy(m, object{
			"rev": n.rev, "size": len(n.data), "content_hash": n.hash, "is_downloadable": true,
			"client_modified": n.client.UTC().Format(time.RFC3339), "server_modified": n.received.UTC().Format(time.RFC3339),
		})
	}
	if tagged {
		m[".tag"] = tag
	}
	return m
}

// contentHash is Dropbox's: the hash over the hashes of blocks of 4 MiB.
func contentHash(data []byte) string {
	over := sha256.New()
	for block := range slices.Chunk(data, 4<<20) {
		sum := sha256.Sum256(block)
		over.Write(sum[:])
	}
	return hex.EncodeToString(over.Sum(nil))
}

// malformed refuses what is no path of a file or a folder other than the root.
func malformed(where string) *refusal {
	switch {
	case strings.HasPrefix(where, "id:"), strings.HasPrefix(where, "rev:"):
		return nil
	case where == "", where == "/":
		return &refusal{status: http.StatusBadRequest, text: "Error in call: path: The root folder is unsupported."}
	case where[0] != '/', strings.HasSuffix(where, "/"), strings.Contains(where, "//"):
		return &refusal{status: http.StatusBadRequest, text: fmt.Sprintf("Error in call: path: %q did not match pattern", where)}
	}
	return nil
}
