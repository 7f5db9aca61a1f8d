// Package encrypted has a place opened by the recovery key of its encrypted share alone.
package encrypted
