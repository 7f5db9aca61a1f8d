// Package dropbox is a small protocol fake of Dropbox's HTTP API for tests: one account in memory, with the calls that
// rclone's dropbox backend makes.
//
// rclone has no option for Dropbox's address, so the fake is reached as a company's proxy is: it listens on loopback as
// an HTTP proxy, takes the connections that go to Dropbox's hosts, and answers them itself under certificates of its
// own authority. A program is led to it by its environment alone (Server.Environ).
//
// After https://www.dropbox.com/developers/documentation/http/documentation, and for refusals
// https://developers.dropbox.com/error-handling-guide and https://developers.dropbox.com/dbx-performance-guide.
// What it does not imitate: docs/decisions/0039-quirks.md.
package dropbox
