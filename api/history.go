package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// History is a page of what was written to one node, the last first.
type History struct {
	Entries []HistoryEntry `json:"entries" nullable:"false"`
	Next    *string        `json:"next" doc:"Where the next page begins, as cursor=; null at the end"`
	Whole   bool           `json:"whole" doc:"Else a part of the bucket came by an index: what was before is not in this device's log"`
}

// HistoryEntry is an entry that names the node.
type HistoryEntry struct {
	Entry      string            `json:"entry" doc:"WRITER:NUMBER, as undo takes it"`
	Stamp      string            `json:"stamp" doc:"Orders all entries; at= takes it"`
	Time       string            `json:"time" doc:"The writer's clock, as RFC 3339"`
	Actions    []json.RawMessage `json:"actions" nullable:"false" doc:"Those that name the node"`
	Overridden string            `json:"overridden,omitempty" doc:"The entry whose concurrent delete made this one come to nothing"`
}

// History answers what was written to a node, a page of up to limit entries, the last first; cursor is History.Next of
// the page before. A node that is gone has a history, too.
func (c *Client) History(ctx context.Context, bucket, id, cursor string, limit int) (*History, error) {
	query := url.Values{}
	set(query, "cursor", cursor)
	setLimit(query, limit)
	var h History
	return &h, c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/nodes/") + escape(id) + "/history", query: query}, &h)
}

// NodeAt answers one node as it was at a moment: a stamp, or a time as RFC 3339. One that was absent is an *Error of status 404.
func (c *Client) NodeAt(ctx context.Context, bucket, id, at string) (*Node, error) {
	var n Node
	return &n, c.get(ctx, call{method: http.MethodGet, path: bucketPath(bucket, "/nodes/") + escape(id), query: url.Values{"at": {at}}}, &n)
}
