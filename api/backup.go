package api

import (
	"context"
	"net/http"
	"time"
)

// BackupRequest says what is to be backed up, and where to.
type BackupRequest struct {
	To      string   `json:"to" doc:"Any path rclone accepts, as of a remote: a folder that is empty, or has earlier backups"`
	Buckets []string `json:"buckets,omitempty" nullable:"false" doc:"Default: all of this device"`
}

// Backup answers a backup: it stands, and was read back whole.
type Backup struct {
	To      string           `json:"to" doc:"Where it is, secrets masked"`
	At      time.Time        `json:"at" doc:"All that was acknowledged before is in it"`
	Files   uint64           `json:"files" doc:"Files there that were checked, those of earlier backups too"`
	Buckets []BackedUpBucket `json:"buckets" nullable:"false"`
}

// BackedUpBucket tells how the backup of one bucket went.
type BackedUpBucket struct {
	Name    string `json:"name"`
	Files   int    `json:"files" doc:"Written now; what was there already is not written again"`
	Entries uint64 `json:"entries" doc:"Of the log that is in it"`
	Lacks   string `json:"lacks,omitempty" doc:"What could not be put into it, and why: history that only a remote has, or all of a bucket of which nothing has arrived yet"`
}

// RestoreRequest says what is to come back.
type RestoreRequest struct {
	From    string   `json:"from" doc:"A backup: any path rclone accepts. Or the name of a remote of this device: what stands there serves as one"`
	Buckets []string `json:"buckets,omitempty" nullable:"false" doc:"Default: all that are there"`
	At      string   `json:"at,omitempty" doc:"A stamp of an entry, or a time as RFC 3339: nodes as they were then. Default: all that is there is taken in"`
	As      string   `json:"as,omitempty" doc:"Name of a new bucket that gets the nodes, of one bucket; that one is left as it is"`
	Remote  string   `json:"remote,omitempty" doc:"Remote that a bucket syncs with which is new on this device; default: the only one"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"Only tell what would be done"`
}

// Restored answers a restore.
type Restored struct {
	Buckets []RestoredBucket `json:"buckets" nullable:"false"`
}

// RestoredBucket tells what a restore did, or would do, to one bucket.
type RestoredBucket struct {
	Name    string `json:"name" doc:"Of the bucket in the backup"`
	Into    string `json:"into" doc:"Of the bucket here"`
	New     bool   `json:"new" doc:"It is new on this device"`
	Entries uint64 `json:"entries" doc:"Of the backup's log that this device did not have"`
	Created int    `json:"created" doc:"Nodes that come back"`
	Changed int    `json:"changed" doc:"Nodes that get the value they had"`
	Removed int    `json:"removed" doc:"Nodes that were not there then"`
	Same    int    `json:"same" doc:"Nodes that are as they were"`
	Left    []Left `json:"left" nullable:"false" doc:"What is not as it was then, and why"`
	Before  string `json:"before,omitempty" doc:"A stamp right before what was appended: to restore to it takes this restore back"`
}

// Backup writes what this device holds of buckets to a place, beside earlier backups there, and reads all of it back: as long as the
// place takes. ErrConflict: files that are none of SetLogger's are there. ErrRemote: the place does not answer, or a file of it is not whole.
func (c *Client) Backup(ctx context.Context, b BackupRequest) (*Backup, error) {
	var done Backup
	return &done, c.get(ctx, call{method: http.MethodPost, path: "/v1/backup", body: b}, &done)
}

// Restore takes buckets in from a backup, or brings nodes back to what they were at a moment: by entries of this device, which sync like
// any others. ErrConflict: the bucket here was made apart from the one there, or is there already. ErrRefused: what was then is not in the log.
func (c *Client) Restore(ctx context.Context, r RestoreRequest) (*Restored, error) {
	var done Restored
	return &done, c.get(ctx, call{method: http.MethodPost, path: "/v1/restore", body: r, once: !r.DryRun}, &done)
}
