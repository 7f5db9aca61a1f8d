package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/setlog"
)

// getHistory answers what was written to one node, the last first.
func (d *Daemon) getHistory(w http.ResponseWriter, r *http.Request) error {
	b, err := d.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	query := r.URL.Query()
	before, err := markOf(query.Get("cursor"))
	if err != nil {
		return err
	}
	limit, err := limitOf(query.Get("limit"), false)
	if err != nil {
		return err
	}
	touches, whole, err := b.History(r.Context(), r.PathValue("id"), before, limit+1)
	if err != nil {
		return err
	}
	return writeJSON(w, historyPage(touches, whole, limit))
}

func historyPage(touches []setlog.Touch, whole bool, limit int) api.History {
	page := api.History{Entries: []api.HistoryEntry{}, Whole: whole}
	for _, t := range touches[:min(limit, len(touches))] {
		page.Entries = append(page.Entries, historyEntry(t))
	}
	if len(touches) > limit {
		e := touches[limit-1].Entry
		next := fmt.Sprintf("%v.%v.%d", e.Stamp, e.Writer, e.Number)
		page.Next = &next
	}
	return page
}

func historyEntry(t setlog.Touch) api.HistoryEntry {
	e := api.HistoryEntry{
		Entry: t.Entry.ID().String(), Stamp: t.Entry.Stamp.String(), Time: t.Entry.Stamp.Time().UTC().Format(time.RFC3339Nano),
		Actions: []json.RawMessage{},
	}
	for _, a := range t.Entry.Actions {
		e.Actions = append(e.Actions, a.JSON)
	}
	if t.Overridden != (setlog.EntryID{}) {
		e.Overridden = t.Overridden.String()
	}
	return e
}

// markOf reads the cursor of a history, zero for none.
func markOf(cursor string) (m setlog.Mark, err error) {
	if cursor == "" {
		return m, nil
	}
	parts := strings.Split(cursor, ".")
	if len(parts) == 3 {
		var errs [3]error
		m.Stamp, errs[0] = setlog.ParseStamp(parts[0])
		m.Writer, errs[1] = setlog.ParseWriter(parts[1])
		m.Number, errs[2] = strconv.ParseUint(parts[2], 10, 64)
		if errs == [3]error{} {
			return m, nil
		}
	}
	return m, errCursor()
}
