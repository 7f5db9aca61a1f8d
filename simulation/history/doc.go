// Package history makes random histories: several devices that write to one bucket, sync parts of it, are cloned, and
// have clocks of their own. One seed makes one history.
package history
