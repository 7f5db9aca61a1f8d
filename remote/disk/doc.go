// Package disk keeps a remote's files in a local folder so that a power cut never leaves half of one under its name.
package disk
