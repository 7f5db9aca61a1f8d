package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// getNode answers one node, or 304 to who has it already.
func (d *Daemon) getNode(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	if r.PathValue("id") == "//history" { // of the node "/", in whose path ServeMux finds no segment
		r.SetPathValue("id", "/")
		return d.getHistory(w, r)
	}
	id, err := segment(r, "id")
	if err != nil {
		return err
	}
	node, err := nodeAt(r, b, id)
	if err != nil {
		return err
	}
	if !node.Alive() {
		return problem(http.StatusNotFound, fmt.Sprintf("there is no node %q in bucket %s", id, r.PathValue("bucket")), "make it with CREATE_NODE; a deleted node is absent too")
	}
	rev := node.Rev()
	w.Header().Set("ETag", `"`+rev+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if anyTag(r.Header.Get("If-None-Match"), rev) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b.appendNode(nil, id, node), '\n')) // the caller is gone
	return nil
}

// nodeAt is the node as it is, or as it was at at=.
func nodeAt(r *http.Request, b *heldBucket, id string) (*setlog.Node, error) {
	at := r.URL.Query().Get("at")
	if at == "" {
		return b.Node(id)
	}
	stamp, err := stampOf(at)
	if err != nil {
		return nil, err
	}
	return b.NodeAt(r.Context(), id, stamp)
}

// anyTag tells whether a list of entity tags holds the rev.
func anyTag(header, rev string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == rev {
			return true
		}
	}
	return false
}

// appendNode adds {"id","value","rev"}, and "invalid" when the node is not as the bucket's schema wants it.
func (b *heldBucket) appendNode(dst []byte, id string, node *setlog.Node) []byte {
	return b.appendNodeOf(dst, id, node, nil)
}

// appendNodeOf is appendNode with some properties of the value alone; none: all.
func (b *heldBucket) appendNodeOf(dst []byte, id string, node *setlog.Node, fields []string) []byte {
	value := node.Value()
	if len(fields) > 0 {
		value = pick(value, fields)
	}
	dst = append(dst, `{"id":`...)
	dst, _ = jsontext.AppendQuote(dst, id) // bad UTF-8 is replaced
	dst = append(append(dst, `,"value":`...), value...)
	dst = append(append(append(dst, `,"rev":"`...), node.Rev()...), '"')
	if found := b.Violations(node); len(found) > 0 {
		list, _ := json.Marshal(violations(found)) // strings marshal
		dst = append(append(dst, `,"invalid":`...), list...)
	}
	return append(dst, '}')
}

// listNodes answers a page of nodes, or all of them as NDJSON.
func (d *Daemon) listNodes(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	query := r.URL.Query()
	list, err := newListing(b, query)
	if err != nil {
		return err
	}
	if at := query.Get("at"); at != "" {
		if list.from, err = d.moment(r.Context(), b, at); err != nil {
			return err
		}
	}
	lines := wantsLines(r)
	limit, err := limitOf(query.Get("limit"), lines)
	if err != nil {
		return err
	}
	if lines {
		return writeNodeLines(w, list, limit, list.appendNode)
	}
	page, err := list.page(limit)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(page) // the caller is gone
	return nil
}

// page is the next page as JSON.
func (l *listing) page(limit int) ([]byte, error) {
	items, more, scanned, err := l.next(limit)
	if err != nil {
		return nil, err
	}
	next := []byte("null")
	if more {
		next = strconv.AppendQuote(nil, l.cursor())
	}
	dst := []byte(`{"nodes":[`)
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = l.appendNode(dst, item.ID, item.Node)
	}
	dst = append(append(dst, `],"next":`...), next...)
	return fmt.Appendf(dst, `,"scanned":%t}`+"\n", scanned), nil
}

// writeNodeLines streams nodes as lines, page by page: each page is as it was when it was read. An error after the
// first page breaks the connection, so that nobody takes what came for the whole.
func writeNodeLines(w http.ResponseWriter, list *listing, limit int, line func(dst []byte, id string, node *setlog.Node) []byte) error {
	out := newLineWriter(w)
	for more := true; more && limit > 0; {
		var items []localstore.Item
		var err error
		if items, more, _, err = list.next(min(limit, maxPage)); err != nil {
			return out.fail(err)
		}
		for _, item := range items {
			out.buffer = append(line(out.buffer, item.ID, item.Node), '\n')
		}
		if err := out.flush(); err != nil {
			return nil //nolint:nilerr // the caller is gone
		}
		limit -= len(items)
	}
	_ = out.flush() // the caller is gone
	return nil
}

// export streams every alive node as canonical JSON with its id among its members.
func (d *Daemon) export(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	list, err := newListing(b, url.Values{"order": {"id"}})
	if err != nil {
		return err
	}
	return writeNodeLines(w, list, int(^uint(0)>>1), appendExport)
}

// appendExport adds the node's value with its id, in canonical form.
func appendExport(dst []byte, id string, node *setlog.Node) []byte {
	line := append(make([]byte, 0, len(id)+64), `{"id":`...)
	line, _ = jsontext.AppendQuote(line, id) // ids are UTF-8
	if value := node.Value(); len(value) > len("{}") {
		line = append(append(line, ','), value[1:]...)
	} else {
		line = append(line, '}')
	}
	whole := jsontext.Value(line)
	_ = whole.Canonicalize() // both parts are canonical JSON already: only the order of members changes
	return append(dst, whole...)
}

// limitOf reads limit=: lines have no bound, pages have.
func limitOf(text string, lines bool) (int, error) {
	if text == "" && lines {
		return int(^uint(0) >> 1), nil
	}
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPage && !lines {
		return 0, problem(http.StatusBadRequest, "limit is not a number from 1 to "+strconv.Itoa(maxPage), "go on with the cursor of each page, or ask for all as application/x-ndjson")
	}
	return limit, nil
}

func wantsLines(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), api.LinesType)
}

func writeJSON(w http.ResponseWriter, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n')) // the caller is gone
	return nil
}
