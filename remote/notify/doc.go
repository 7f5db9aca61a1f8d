// Package notify hears that a remote may have changed, from a folder or over the channel of a Pub/Sub service. What comes may be
// lost, late, doubled or for nothing, so whoever hears it looks at the remote, and polls it besides.
package notify
