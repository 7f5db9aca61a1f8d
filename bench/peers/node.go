//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// measurePeers takes the figures of all peers once, which bench.js prints as "peers/NAME/FIGURE VALUE UNIT".
func (t *table) measurePeers(trace string) error {
	node := exec.Command("node", "bench.js", trace)
	node.Stderr = os.Stderr
	lines, err := node.Output()
	if err != nil {
		return fmt.Errorf("peers: node bench.js: %w", err)
	}
	for line := range strings.Lines(string(lines)) {
		fields := strings.Fields(line)
		name, ok := strings.CutPrefix(fields[0], "peers/")
		end := strings.LastIndexByte(name, '/')
		if !ok || end < 0 || len(fields) != 3 {
			return fmt.Errorf("peers: node bench.js printed %q", line)
		}
		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return fmt.Errorf("peers: node bench.js printed %q", line)
		}
		t.of(name[:end]).note(name[end+1:], value)
	}
	return nil
}

// of answers the figures of a peer.
func (t *table) of(name string) figures {
	f, ok := t.peers[name]
	if !ok {
		if t.peers == nil {
			t.peers = make(map[string]figures)
		}
		f = figures{}
		t.peers[name], t.names = f, append(t.names, name)
	}
	return f
}
