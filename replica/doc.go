// Package replica brings the local store and a remote together: one Share is the part of a remote that holds buckets,
// and Sync makes one round with it.
//
// A round checks the share, lists log/ once, pulls what is unknown, seals what was appended, pushes what the remote
// lacks, and relays what it lost. docs/format.md has the files.
package replica
