package api

import "encoding/json"

// EventType says what a message of a stream tells.
type EventType string

// The messages of a stream.
const (
	EventReset    EventType = "reset"    // forget the bucket's nodes: all come anew
	EventSnapshot EventType = "snapshot" // nodes as they are, after a reset
	EventChange   EventType = "change"   // nodes as they are now, or deleted
	EventReady    EventType = "ready"    // up to here the reader has all
	EventEnd      EventType = "end"      // nothing more comes of the bucket; why
)

// Event is a message of a stream.
type Event struct {
	Bucket string      `json:"bucket"`
	Type   EventType   `json:"type" enum:"reset,snapshot,change,ready,end"`
	Nodes  []EventNode `json:"nodes,omitempty" nullable:"false" doc:"Of snapshot and change"`
	Place  string      `json:"place,omitempty" doc:"Of ready: subscribe with it as after to go on from here"`
	Error  *Error      `json:"error,omitempty" doc:"Of end"`
}

// EventNode is a node as it is now; of a deleted one only the id.
type EventNode struct {
	ID      string          `json:"id"`
	Value   json.RawMessage `json:"value,omitempty" doc:"JSON object, canonical form (RFC 8785)"`
	Rev     string          `json:"rev,omitempty"`
	Invalid []Violation     `json:"invalid,omitempty" nullable:"false" doc:"What the bucket's schema does not allow in it"`
	Deleted bool            `json:"deleted,omitempty"`
}

// Subscription is what a caller sends on a WebSocket to begin or end a bucket's events.
type Subscription struct {
	Subscribe   string `json:"subscribe,omitempty" doc:"Name of the bucket"`
	After       string `json:"after,omitempty" doc:"place of the last ready; none: all nodes first"`
	Unsubscribe string `json:"unsubscribe,omitempty" doc:"Name of the bucket"`
}

// StreamProtocol is the WebSocket subprotocol of streams. A page, which cannot set headers, adds a second one that carries its
// token: bearer.TOKEN.
const (
	StreamProtocol = "setlogger.v1"
	BearerProtocol = "bearer."
)
