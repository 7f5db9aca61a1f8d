package daemon

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
)

const (
	// testTime is how long the test of one remote may take within a diagnosis; they run side by side.
	testTime = 20 * time.Second
	// staleAfter is how old the last round of a remote may be while entries wait for it.
	staleAfter = time.Hour
	// firstYear is before this program was made: a clock that shows less was never set.
	firstYear = 2026
)

// doctor looks at all that can be wrong, and says how to mend what is.
func (d *Daemon) doctor(ctx context.Context, _ *struct{}) (*answer[api.Diagnosis], error) {
	found := []api.Examined{{
		Name: "daemon", Subject: d.device, OK: true,
		Detail: fmt.Sprintf("%s for %s/%s runs since %s", d.o.Version, runtime.GOOS, runtime.GOARCH, d.started.UTC().Format(time.RFC3339)),
	}}
	found = append(found, ExamineFolder(d.folder.path)...)
	found = append(found, examineClock(d.now()), d.examineBuckets())
	tests := d.testRemotes(ctx)
	if err := ctx.Err(); err != nil {
		return nil, refused(err)
	}
	for i, r := range d.allRemotes() {
		if i < len(tests) {
			found = append(found, tests[i])
		}
		found = append(found, d.examineSync(r))
	}
	for _, p := range d.status().Problems {
		found = append(found, api.Examined{Name: p.Name, Subject: p.Subject, Detail: p.Detail, Cause: p.Cause, Effect: p.Effect, Hint: p.Hint})
	}
	ok := !slices.ContainsFunc(found, func(e api.Examined) bool { return !e.OK })
	return &answer[api.Diagnosis]{api.Diagnosis{OK: ok, Version: d.o.Version, Checks: found}}, nil
}

func examineClock(now time.Time) api.Examined {
	e := api.Examined{Name: "clock", OK: true, Detail: "it shows " + now.Format(time.RFC3339)}
	if now.Year() < firstYear || now.Year() > lastYear {
		e.OK, e.Effect = false, "What is written now counts as written then, beside what other devices write."
		e.Hint = "set the clock, and let it keep itself by the network"
	}
	return e
}

// examineBuckets reads the newest entry and the first page of each bucket: little of it, so that it is cheap with thousands.
// What could not be opened is among the problems.
func (d *Daemon) examineBuckets() api.Examined {
	all := d.allBuckets()
	e := api.Examined{Name: "buckets", OK: true, Detail: fmt.Sprintf("%d are open, and the beginning and end of each reads; setlogger verify reads all of it", len(all))}
	for _, b := range all {
		if err := sample(b); err != nil {
			e.OK, e.Subject, e.Detail, e.Hint = false, b.Name(), plain(err), answerOf(err).Hint
			break // setlogger verify names all of them
		}
	}
	return e
}

func sample(b *heldBucket) error {
	if offset := b.Offset(); offset > 0 {
		if _, err := b.Log(offset-1, 1); err != nil {
			return err
		}
	}
	_, err := b.Nodes("", "", 1)
	return err
}

// testRemotes tests all remotes side by side.
func (d *Daemon) testRemotes(ctx context.Context) []api.Examined {
	remotes := d.allRemotes()
	found := make([]api.Examined, len(remotes))
	var tests sync.WaitGroup
	for i, r := range remotes {
		tests.Go(func() { found[i] = d.examineRemote(ctx, r) })
	}
	tests.Wait()
	return found
}

func (d *Daemon) examineRemote(ctx context.Context, r *heldRemote) api.Examined {
	start := time.Now()
	e := api.Examined{Name: "remote", Subject: r.name, OK: true}
	if r.valve.closed.Load() {
		e.Detail, e.Hint = pausedError{r.name}.Error(), pausedError{r.name}.Hint()
		return e
	}
	for _, step := range d.tryRemote(ctx, r, testTime).Steps {
		if !step.OK {
			e.OK, e.Detail, e.Hint = false, step.Name+": "+step.Error, step.Hint
			return e
		}
	}
	e.Detail = fmt.Sprintf("a file was written, read, listed and removed in %s", time.Since(start).Round(time.Millisecond))
	return e
}

// examineSync tells whether what was written here gets to a remote.
func (d *Daemon) examineSync(r *heldRemote) api.Examined {
	s := d.remoteStatus(r)
	last := "never"
	if s.LastSync != nil {
		last = s.LastSync.Format(time.RFC3339)
	}
	e := api.Examined{Name: "sync", Subject: r.name, OK: true, Detail: fmt.Sprintf("last round that ended well: %s; %d entries wait", last, s.Pending)}
	if !s.Paused && s.Pending > 0 && time.Since(cmp.Or(r.lane.look().lastSync, d.started)) > staleAfter {
		e.OK, e.Hint = false, "setlogger sync "+r.name+" says what keeps it"
	}
	return e
}
