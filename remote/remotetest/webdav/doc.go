// Package webdav serves any remote.Storage as WebDAV on loopback, so that what lies in a test reaches programs through
// rclone's own backend.
package webdav
