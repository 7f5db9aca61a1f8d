// Package memory keeps a remote's files in this process, for tests and demonstrations.
package memory
