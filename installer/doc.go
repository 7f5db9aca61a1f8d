// Package installer makes the setlogger binary a service of the operating system.
package installer
