// Package notify hears that a remote may have changed. What it tells are hints: they may be lost, late or for nothing, so
// whoever hears them looks at the remote, and polls it besides.
package notify
