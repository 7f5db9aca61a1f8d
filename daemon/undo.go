package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

type undoRequest struct {
	Bucket string `path:"bucket" doc:"Name of the bucket, percent-encoded as one segment"`
	Key    string `header:"Idempotency-Key" maxLength:"255" doc:"A repeat answers as the first did, and undoes nothing"`
	Body   api.Undo
}

const entryHint = "each line of setlogger log has the writer and the number of an entry"

// undo undoes an entry where it is still as the entry left it.
func (d *Daemon) undo(ctx context.Context, in *undoRequest) (*answer[api.Undone], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	request := localstore.UndoRequest{Key: in.Key, Body: sha256.Sum256(fmt.Appendf(nil, "undo %s %t", in.Body.Entry, in.Body.Last))}
	if in.Body.Last == (in.Body.Entry != "") {
		return nil, problem(http.StatusUnprocessableEntity, "an undo names either an entry or the last one", `send {"entry":"WRITER:NUMBER"} or {"last":true}`)
	}
	if !in.Body.Last {
		if request.Entry, err = setlog.ParseEntryID(in.Body.Entry); err != nil {
			return nil, problem(http.StatusUnprocessableEntity, plain(err), entryHint)
		}
	}
	done, err := b.undo(ctx, request)
	if errors.Is(err, localstore.ErrMissing) {
		return nil, problem(http.StatusNotFound, plain(err), entryHint)
	}
	if err != nil {
		return nil, refused(err)
	}
	d.noteAppend(b)
	return &answer[api.Undone]{undone(done)}, nil
}

func undone(done localstore.Undone) api.Undone {
	u := api.Undone{Appended: appended(done.Receipt), Entry: done.Entry.String(), Left: []api.Left{}}
	for _, l := range done.Left {
		u.Left = append(u.Left, api.Left{ID: l.ID, Path: append([]string{}, l.Path...), Reason: l.Reason})
	}
	return u
}
