// Command setlogger runs the daemon and talks to it: flags, wiring, and words for people.
package main
