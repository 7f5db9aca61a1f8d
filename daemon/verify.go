package daemon

import (
	"context"
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

// remote reads every segment of the share and checks its name, hash, chain and signature.
func (v *verification) remote(ctx context.Context, r *heldRemote) {
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
			if err := checkSegment(ctx, r.storage, object.Name, name, &v.verdict.Checked); err != nil {
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
		return fmt.Errorf("its content has another hash than its name says")
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
