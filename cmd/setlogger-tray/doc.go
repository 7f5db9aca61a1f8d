// Command setlogger-tray shows in the system tray how the daemon stands: flags and wiring.
package main
