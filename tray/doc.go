// Package tray draws api.Status in the system tray, which takes the build tag tray.
package tray
