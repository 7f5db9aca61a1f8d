package api

import (
	"encoding/json"
	"time"
)

// Status is the one value that every face (page, tray, command line) draws.
type Status struct {
	Version  string         `json:"version" doc:"Version of the daemon"`
	Device   string         `json:"device" doc:"Name of this device, its host name unless changed"`
	Started  time.Time      `json:"started" doc:"When the daemon started"`
	State    State          `json:"state" enum:"idle,syncing,offline,problem" doc:"The whole in one word"`
	Pending  uint64         `json:"pending" doc:"Entries acknowledged here and not yet seen on every remote"`
	LastSync *time.Time     `json:"last_sync" doc:"When a remote last answered a whole poll; null before the first"`
	Buckets  []BucketStatus `json:"buckets" nullable:"false"`
	Remotes  []RemoteStatus `json:"remotes" nullable:"false"`
	Problems []Problem      `json:"problems" nullable:"false" doc:"What needs a person, worst first; empty when all is well"`
	Asking   int            `json:"asking,omitempty" doc:"Apps that ask to be let in, and those about to fetch their token; shown to who may answer"`
}

// Health tells that the daemon is there.
type Health struct {
	OK bool `json:"ok"`
}

// State is the whole status in one word.
type State string

// The states, from best to worst.
const (
	StateIdle    State = "idle"
	StateSyncing State = "syncing"
	StateOffline State = "offline"
	StateProblem State = "problem"
)

// BucketStatus tells how one bucket stands.
type BucketStatus struct {
	Name    string   `json:"name"`
	Writer  string   `json:"writer" doc:"The writer that this device appends as"`
	Nodes   uint64   `json:"nodes" doc:"Nodes that are alive"`
	Entries uint64   `json:"entries" doc:"Entries in the local log"`
	Pending uint64   `json:"pending" doc:"Entries not yet seen on every remote"`
	Bytes   int64    `json:"bytes" doc:"Size of the bucket's file on this disk"`
	Remotes []string `json:"remotes" nullable:"false" doc:"Remotes it syncs with"`

	Joining *Progress `json:"joining,omitempty" doc:"While indexes are being taken in: reads show what is there so far"`
	Filling []Filling `json:"filling,omitempty" nullable:"false" doc:"Remotes that are given what the others have, before it syncs with them"`
}

// Filling is how far a remote is that is given what others have.
type Filling struct {
	Remote string   `json:"remote"`
	Files  Progress `json:"files" doc:"As far as they are known"`
	Error  string   `json:"error,omitempty" doc:"Why the last try failed; it is tried again"`
}

// Moving is how far a remote's share is on its way to another remote.
type Moving struct {
	To    string   `json:"to" doc:"Name of the other remote"`
	Phase string   `json:"phase" enum:"copying,verifying" doc:"While it is copied both are not in sync; while it is verified they are"`
	Files Progress `json:"files" doc:"Of the copy, as far as they are known"`
	Error string   `json:"error,omitempty" doc:"Why the last try failed; it is tried again"`
}

// Move says where a remote's share is to move.
type Move struct {
	To string `json:"to" doc:"Name of another remote"`
}

// IndexStatus is how far an order of nodes is that is kept, so that pages in it cost the same in any bucket.
type IndexStatus struct {
	Order []string `json:"order" nullable:"false" doc:"Names as in a schema, the id's last"`
	Ready bool     `json:"ready" doc:"Else pages in it are found by looking at all nodes"`
	Made  Progress `json:"made" doc:"About how many nodes it has"`
}

// BucketShown is a bucket with its settings and indexes.
type BucketShown struct {
	BucketStatus
	Settings json.RawMessage `json:"settings" doc:"x-setlogger of the bucket's schema: what was set; the rest stands at its default"`
	Indexes  []IndexStatus   `json:"indexes" nullable:"false" doc:"What its nodes are found by without a scan, its own order first"`
	View     string          `json:"view,omitempty" doc:"Where its published view is, below the path of each of its remotes; left out where none is kept"`
}

// Settings are those of a bucket; what is left out stands at its default.
type Settings struct {
	Order       []string   `json:"order,omitempty" nullable:"false" doc:"What nodes are paged by: names, with - in front for downwards"`
	Indexes     [][]string `json:"indexes,omitempty" nullable:"false" doc:"What where= is to find without a scan"`
	ChunkLimit  int        `json:"chunkLimit,omitempty" doc:"Nodes of a chunk"`
	LogLimit    int        `json:"logLimit,omitempty" doc:"Entries of the log before it is indexed"`
	Publish     bool       `json:"publish,omitempty" doc:"Keep a view on the remote for readers without a daemon"`
	KeepHistory string     `json:"keepHistory,omitempty" enum:"remote,local,none" doc:"Where entries stay that chunks cover"`
}

// BucketChange changes a bucket.
type BucketChange struct {
	Settings json.RawMessage `json:"settings,omitempty" doc:"Members to set; null takes one away, and others stay (RFC 7396)"`
	Remotes  []string        `json:"remotes,omitempty" nullable:"false" doc:"All remotes that the bucket is to sync with, from this device; takes the scope admin"`
}

// Progress counts the nodes of something long.
type Progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// Compacted answers compact, a line for each remote of the bucket.
type Compacted struct {
	Remotes []CompactedRemote `json:"remotes" nullable:"false"`
}

// CompactedRemote tells how many indexes were written on one remote: none where all was indexed already.
type CompactedRemote struct {
	Name    string `json:"name"`
	Indexes int64  `json:"indexes"`
}

// RemoteStatus tells how one remote stands.
type RemoteStatus struct {
	Name     string     `json:"name"`
	Path     string     `json:"path" doc:"rclone path, with secrets masked"`
	Notify   string     `json:"notify,omitempty" doc:"Address of its channel, with the login masked; left out: it has none"`
	Share    string     `json:"share" doc:"Id of the share, empty until first reached"`
	State    State      `json:"state" enum:"idle,syncing,offline,problem"`
	Pending  uint64     `json:"pending"`
	LastSync *time.Time `json:"last_sync"`
	Error    string     `json:"error,omitempty" doc:"Why the last call failed"`
	Paused   bool       `json:"paused,omitempty" doc:"A person paused it: nothing is asked of it"`

	RequestsPerHour int      `json:"requests_per_hour" doc:"Requests that were sent to it in the last hour; a listing counts its pages of 1,000 names"`
	Budget          int      `json:"budget,omitempty" doc:"Requests an hour that its polls keep within; left out where there is none"`
	EstimatedMonth  *float64 `json:"estimated_month,omitempty" doc:"Of object stores: what requests like those of the last hour cost in a month at S3's list prices, in US dollars"`

	Encrypted bool `json:"encrypted,omitempty" doc:"The share is: its recovery key is on this device"`

	Moving  *Moving `json:"moving,omitempty" doc:"While its share moves to another remote"`
	MovedTo string  `json:"moved_to,omitempty" doc:"The remote that its buckets sync with since; what stands here is as it was then"`
}

// KeyRequest names the encrypted remote that a recovery key is made for.
type KeyRequest struct {
	Name string `json:"name" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$"`
	Path string `json:"path,omitempty" doc:"Any path rclone accepts; an encrypted share must be able to be made there. Left out: the place is found by a setup, which looks at it"`
}

// RecoveryKey is what an encrypted share is read with. Who has it reads all; who lost it everywhere reads nothing.
type RecoveryKey struct {
	Key string `json:"recovery_key" doc:"Six groups of six letters and digits"`
}

// RemoteChange changes what is set of a remote, or of all; what is left out stays.
type RemoteChange struct {
	Paused *bool `json:"paused,omitempty" doc:"true: nothing is asked of it until it is false again, restarts included"`
	Budget *int  `json:"budget,omitempty" minimum:"0" maximum:"1000000000" doc:"Requests an hour that its polls keep within; 0: none"`
}

// Problem names one trouble with its cause, its effect and its mend.
type Problem struct {
	Name    string     `json:"name" doc:"Fixed word for the kind: remote-unreachable, remote-full, share-missing, disk-full …"`
	Subject string     `json:"subject" doc:"What it is about: a bucket, a remote or a file"`
	Detail  string     `json:"detail" doc:"What was met, in a sentence"`
	Cause   string     `json:"cause" doc:"What the kind of problem comes of"`
	Effect  string     `json:"effect" doc:"What works on, and what does not"`
	Hint    string     `json:"hint" doc:"What to do about it"`
	Until   *time.Time `json:"until,omitempty" doc:"When it passes or is tried again, where that is known"`
}

// Node is one record of a bucket.
type Node struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value" doc:"JSON object, canonical form (RFC 8785)"`
	Rev   string          `json:"rev" doc:"N-h: count of writes seen, and hash of the value"`

	Invalid []Violation `json:"invalid,omitempty" nullable:"false" doc:"What the bucket's schema does not allow in it; left out when all is well"`
}

// Violation is one thing that a bucket's schema does not allow.
type Violation struct {
	Path   string `json:"path" doc:"JSON Pointer (RFC 6901) to where it is"`
	Reason string `json:"reason"`
}

// Schema answers the JSON Schema of a bucket.
type Schema struct {
	Schema json.RawMessage `json:"schema" doc:"JSON Schema 2020-12, as SET_SCHEMA set it last; null when there is none"`
}

// Page is some nodes of a bucket, in order.
type Page struct {
	Nodes   []Node  `json:"nodes" nullable:"false"`
	Next    *string `json:"next" doc:"Cursor of the next page; null on the last"`
	Scanned bool    `json:"scanned" doc:"True when the nodes do not lie in this order, and all were looked at"`
}

// Appended answers an append.
type Appended struct {
	Writer string            `json:"writer"`
	Number *uint64           `json:"number" doc:"Number of the entry; null when the action changes nothing"`
	Stamp  string            `json:"stamp" doc:"Hybrid logical clock reading, ms-tick"`
	Revs   map[string]string `json:"revs" doc:"New rev of each node the entry touched"`
}

// Undo asks for an entry to be undone: one that it names, or the last of this device.
type Undo struct {
	Entry string `json:"entry,omitempty" doc:"WRITER:NUMBER"`
	Last  bool   `json:"last,omitempty" doc:"The last entry of this device that is not undone and of which anything can be"`
}

// Undone answers an undo: what it appended, as an append answers, and what it left alone.
type Undone struct {
	Appended
	Entry string `json:"entry" doc:"WRITER:NUMBER of what was undone"`
	Left  []Left `json:"left" nullable:"false" doc:"What is not put back: it is no more as the entry left it"`
}

// Left is a part of an entry that an undo leaves alone.
type Left struct {
	ID     string   `json:"id,omitempty" doc:"Of the node; left out for the bucket's schema"`
	Path   []string `json:"path" nullable:"false" doc:"Empty: the whole node"`
	Reason string   `json:"reason"`
}

// AppendedMany answers an NDJSON append.
type AppendedMany struct {
	Writer    string `json:"writer"`
	Committed uint64 `json:"committed" doc:"Lines durably appended (no-ops included)"`
	Last      uint64 `json:"last" doc:"Number of the last entry of this writer"`
}

// Entry is one line of a bucket's log.
type Entry struct {
	Offset string          `json:"offset" doc:"Opaque place in this device's log; pass as after="`
	Writer string          `json:"writer"`
	Entry  json.RawMessage `json:"entry" doc:"The entry as docs/format.md has it"`
}

// Log is some entries of a bucket, in the order they reached this device.
type Log struct {
	Entries []Entry `json:"entries" nullable:"false"`
	Next    string  `json:"next" doc:"Offset to continue after"`
}

// Remote describes a remote.
type Remote struct {
	Name string `json:"name" pattern:"^[a-z0-9][a-z0-9._-]{0,63}$"`
	Path string `json:"path" doc:"Any path rclone accepts: name:folder, a connection string, or a local folder"`

	Encrypt bool   `json:"encrypt,omitempty" doc:"Keep the share encrypted, by key"`
	Key     string `json:"key,omitempty" doc:"Recovery key: of the share that is there, or a new one, made by POST /v1/keys"`

	Notify string `json:"notify,omitempty" doc:"Address of a Pub/Sub topic by which the devices of the share tell each other of changes at once, such as nats://host:4222/subject; none: there is none any more; left out: as it was"`
}

// RemoteTest is the verdict on one remote, or on its channel.
type RemoteTest struct {
	OK    bool       `json:"ok"`
	Steps []TestStep `json:"steps" nullable:"false"`
}

// TestStep is one call made by a test of a remote or a channel.
type TestStep struct {
	Name    string `json:"name" doc:"write, read, list, remove; of a setup make before them; of a channel topic, open, message, trip (a message sent and received, on a connection that stands), close"`
	OK      bool   `json:"ok"`
	Took    string `json:"took"`
	Problem string `json:"problem,omitempty" doc:"Fixed word for what is wrong, as in the status"`
	Error   string `json:"error,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// Bucket describes a bucket for making or joining it.
type Bucket struct {
	Name   string `json:"name" pattern:"^[a-z0-9][a-z0-9._/-]{0,127}$"`
	Remote string `json:"remote,omitempty" doc:"Remote to sync with; default: the only one"`
	Join   bool   `json:"join,omitempty" doc:"Take part in a bucket that another device made, rather than making one"`
	Merge  bool   `json:"merge,omitempty" doc:"Accept that the bucket was made twice under one name, and merge both"`
}

// Buckets lists the buckets of this device.
type Buckets struct {
	Buckets []BucketStatus `json:"buckets" nullable:"false"`
}

// Remotes lists the remotes of this device.
type Remotes struct {
	Remotes []RemoteStatus `json:"remotes" nullable:"false"`
}

// Check says what verify is to look at.
type Check struct {
	Subject string `json:"subject,omitempty" doc:"A bucket or a remote; default: all of them"`
}

// Finding is one thing that verify or a test did not like.
type Finding struct {
	Subject string `json:"subject"`
	Detail  string `json:"detail"`
	Hint    string `json:"hint"`
}

// Diagnosis answers doctor.
type Diagnosis struct {
	OK      bool       `json:"ok" doc:"Nothing is wrong"`
	Version string     `json:"version" doc:"Version of the daemon"`
	Checks  []Examined `json:"checks" nullable:"false" doc:"All that was looked at, with a problem of the status each"`
}

// Examined is one thing that doctor looked at.
type Examined struct {
	Name    string `json:"name" doc:"What was looked at: daemon, folder, room, access, clock, buckets, remote, sync; or the name of a problem"`
	Subject string `json:"subject,omitempty" doc:"What it is about: a folder, a bucket, a remote or a file"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail" doc:"What was found, in a sentence"`
	Cause   string `json:"cause,omitempty" doc:"What the kind of problem comes of"`
	Effect  string `json:"effect,omitempty" doc:"What works on, and what does not"`
	Hint    string `json:"hint,omitempty" doc:"What to do about it"`
}

// Verdict answers verify.
type Verdict struct {
	OK       bool      `json:"ok"`
	Checked  uint64    `json:"checked" doc:"Entries checked"`
	Files    uint64    `json:"files" doc:"Files of the remote checked"`
	Findings []Finding `json:"findings" nullable:"false"`
}
