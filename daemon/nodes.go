package daemon

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

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
	id, err := segment(r, "id")
	if err != nil {
		return err
	}
	node, err := b.Node(id)
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
	dst = append(dst, `{"id":`...)
	dst, _ = jsontext.AppendQuote(dst, id) // bad UTF-8 is replaced
	dst = append(append(dst, `,"value":`...), node.Value()...)
	dst = append(append(append(dst, `,"rev":"`...), node.Rev()...), '"')
	if found := b.Violations(node); len(found) > 0 {
		list, _ := json.Marshal(violations(found)) // strings marshal
		dst = append(append(dst, `,"invalid":`...), list...)
	}
	return append(dst, '}')
}

// listNodes answers a page of nodes in the order of their ids, or all of them as NDJSON.
func (d *Daemon) listNodes(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	query := r.URL.Query()
	for _, later := range [...]string{"order", "where", "at"} {
		if query.Has(later) {
			return problem(http.StatusUnprocessableEntity, later+"= is not yet supported by this version", "nodes come in the order of their ids; prefix= chooses among them")
		}
	}
	after, err := cursorOf(query.Get("cursor"))
	if err != nil {
		return err
	}
	lines := wantsLines(r)
	limit, err := limitOf(query.Get("limit"), lines)
	if err != nil {
		return err
	}
	if lines {
		return writeNodeLines(w, b, after, query.Get("prefix"), limit, b.appendNode)
	}
	items, err := b.Nodes(after, query.Get("prefix"), limit+1)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.appendPage(nil, items, limit)) // the caller is gone
	return nil
}

// appendPage adds a page of the first items; one more than the limit shows that there is a next.
func (b *heldBucket) appendPage(dst []byte, items []localstore.Item, limit int) []byte {
	next := []byte("null")
	if len(items) > limit {
		items = items[:limit]
		next = strconv.AppendQuote(nil, cursor(items[limit-1].ID))
	}
	dst = append(dst, `{"nodes":[`...)
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = b.appendNode(dst, item.ID, item.Node)
	}
	dst = append(append(dst, `],"next":`...), next...)
	return append(dst, `,"scanned":false}`+"\n"...)
}

// writeNodeLines streams nodes as lines, page by page: each page is as it was when it was read. An error after the
// first page breaks the connection, so that nobody takes what came for the whole.
func writeNodeLines(w http.ResponseWriter, b *heldBucket, after, prefix string, limit int, line func(dst []byte, id string, node *setlog.Node) []byte) error {
	out := newLineWriter(w)
	for limit > 0 {
		items, err := b.Nodes(after, prefix, min(limit, maxPage))
		if err != nil {
			return out.fail(err)
		}
		if len(items) == 0 {
			break
		}
		for _, item := range items {
			out.buffer = append(line(out.buffer, item.ID, item.Node), '\n')
		}
		if err := out.flush(); err != nil {
			return nil //nolint:nilerr // the caller is gone
		}
		after = items[len(items)-1].ID
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
	return writeNodeLines(w, b, "", "", int(^uint(0)>>1), appendExport)
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

// cursor is opaque to callers: the id to go on after.
func cursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func cursorOf(text string) (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || !utf8.Valid(id) {
		return "", problem(http.StatusBadRequest, "the cursor is not one that a page gave", "begin again without cursor=")
	}
	return string(id), nil
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
