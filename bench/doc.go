// Package bench measures SetLogger beside others.
package bench
