package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// checkRequest is the body of verify; without one, all is checked.
type checkRequest struct {
	Body *api.Check
}

// verify checks a bucket or a remote, or all of them.
func (d *Daemon) verify(ctx context.Context, in *checkRequest) (*answer[api.Verdict], error) {
	check := &verification{verdict: api.Verdict{Findings: []api.Finding{}}}
	subject := ""
	if in.Body != nil {
		subject = in.Body.Subject
	}
	known := subject == ""
	for _, b := range d.allBuckets() {
		if subject == "" || subject == b.Name() {
			known = true
			check.bucket(b)
		}
	}
	for _, r := range d.allRemotes() {
		if subject == "" || subject == r.name {
			known = true
			check.remote(ctx, r)
		}
	}
	if !known {
		return nil, problem(http.StatusNotFound, fmt.Sprintf("there is neither a bucket nor a remote %q", subject), "setlogger status lists them")
	}
	if err := ctx.Err(); err != nil {
		return nil, refused(err)
	}
	check.verdict.OK = len(check.verdict.Findings) == 0
	return &answer[api.Verdict]{check.verdict}, nil
}

// verification gathers a verdict.
type verification struct {
	verdict api.Verdict
}

func (v *verification) found(subject string, err error, hint string) {
	v.verdict.Findings = append(v.verdict.Findings, api.Finding{Subject: subject, Detail: plain(err), Hint: hint})
}

// bucket checks the whole file against itself.
func (v *verification) bucket(b *heldBucket) {
	v.verdict.Checked += b.Stats().Entries
	if err := b.Check(); err != nil {
		v.found(b.Name(), err, answerOf(err).Hint)
	}
}

// remote reads every file of the share and checks its name, hash, chain and signature.
func (v *verification) remote(ctx context.Context, r *heldRemote) {
	if r.place != nil {
		if err := r.place.Check(ctx); err != nil { // else it would look empty
			v.found(r.name, err, cmp.Or(placeHint(err), remote.Hint(err)))
			return
		}
	}
	v.segments(ctx, r)
	v.indexes(ctx, r)
}

// indexes reads every index with its chunks.
func (v *verification) indexes(ctx context.Context, r *heldRemote) {
	for object, err := range r.storage.List(ctx, "index") {
		if err != nil {
			v.found(r.name, err, remote.Hint(err))
			return
		}
		name, ok := setlog.ParseIndexName(strings.TrimPrefix(object.Name, "index/"))
		if !ok {
			continue
		}
		v.verdict.Files++
		if err := v.index(ctx, r.storage, object.Name, name); err != nil && !isGone(ctx, r.storage, "index", object.Name, err) {
			v.found(r.name+": "+object.Name, err, "devices go around it; one that holds the bucket writes another when enough is new, or with `setlogger compact`")
		}
	}
}

func (v *verification) index(ctx context.Context, storage remote.Storage, path string, name setlog.IndexName) error {
	data, err := storage.Read(ctx, path)
	if err != nil {
		return err
	}
	if setlog.HashOf(data) != name.Hash {
		return errOtherHash
	}
	index, err := setlog.DecodeIndex(data)
	if err != nil {
		return err
	}
	if setlog.BucketID(index.Bucket) != name.Bucket || index.Level != name.Level {
		return fmt.Errorf("it is of bucket %s, level %d", index.Bucket, index.Level)
	}
	for _, ref := range index.Chunks {
		if err := checkChunk(ctx, storage, index, ref); err != nil {
			return fmt.Errorf("its chunk %s: %w", index.Name(ref), err)
		}
		v.verdict.Files++
	}
	return nil
}

func checkChunk(ctx context.Context, storage remote.Storage, index *setlog.Index, ref setlog.ChunkRef) error {
	data, err := storage.Read(ctx, "chunk/"+index.Name(ref).String())
	if err != nil {
		return err
	}
	if setlog.HashOf(data) != ref.Hash {
		return errOtherHash
	}
	chunk, err := setlog.DecodeChunk(data)
	if err != nil {
		return err
	}
	if chunk.Index != index.ID || chunk.Bucket != index.Bucket || len(chunk.Lines) != ref.Nodes {
		return fmt.Errorf("it belongs to another index")
	}
	for _, err := range chunk.Nodes() {
		if err != nil {
			return err
		}
	}
	return nil
}

var errOtherHash = errors.New("its content has another hash than its name says")

// isGone tells whether what was not found is a file that a device removed since it was listed, as it may while others
// hold what it held.
func isGone(ctx context.Context, storage remote.Storage, folder, name string, err error) bool {
	if !errors.Is(err, remote.ErrNotExist) {
		return false
	}
	for object, err := range storage.List(ctx, folder) {
		if err != nil || object.Name == name {
			return false
		}
	}
	return true
}

// segments reads every segment.
func (v *verification) segments(ctx context.Context, r *heldRemote) {
	for _, folder := range []string{"log", "past"} {
		for object, err := range r.storage.List(ctx, folder) {
			if err != nil {
				v.found(r.name, err, remote.Hint(err))
				return
			}
			name, ok := setlog.ParseSegmentName(strings.TrimPrefix(object.Name, folder+"/"))
			if !ok {
				continue // others' files are told by the status
			}
			v.verdict.Files++
			if err := checkSegment(ctx, r.storage, object.Name, name, &v.verdict.Checked); err != nil && !isGone(ctx, r.storage, folder, object.Name, err) {
				v.found(r.name+": "+object.Name, err, "a device that holds these entries uploads them anew once this file is deleted")
			}
		}
	}
}

func checkSegment(ctx context.Context, storage remote.Storage, path string, name setlog.SegmentName, entries *uint64) error {
	data, err := storage.Read(ctx, path)
	if err != nil {
		return err
	}
	if setlog.HashOf(data) != name.Hash {
		return errOtherHash
	}
	segment, err := setlog.DecodeSegment(data)
	if err != nil {
		return err
	}
	if segment.Name != name {
		return fmt.Errorf("it holds %s", segment.Name)
	}
	*entries += uint64(len(segment.Lines))
	return nil
}
