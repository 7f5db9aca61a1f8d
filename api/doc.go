// Package api holds the wire messages of the localhost API, and the Go client for it.
package api
