// Package daemon serves the buckets of one device: lifecycle, schedule, access control, HTTP handlers.
//
// [Run] is the one door. A request passes the gate (gate.go), the routes (routes.go) and one handler; a remote is
// visited by its lane (lane.go); what a person should know is in the status (status.go).
package daemon
