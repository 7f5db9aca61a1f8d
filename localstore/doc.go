// Package localstore keeps each bucket's log and reduced state in one bbolt file a bucket.
//
// One goroutine, the composer, owns a bucket: it takes the appends, folds and seals that wait, composes each against
// what was composed before it, and hands what has gathered to the writer, which commits it in one bbolt transaction
// while the composer goes on with the next. Nothing is seen before it is durable. The log and its heads are committed
// at once; changed nodes wait in an overlay in memory and are flushed in large sorted transactions, with a cursor that
// says up to which offset of the log the stored nodes are whole. Opening folds the log's tail after the cursor again.
//
// A small file of the device, the [Registry], knows the remotes and the buckets.
package localstore
