package localstore

import (
	"sync"

	"github.com/shirou/gopsutil/v4/mem"
)

const (
	// joinBytes is enough for a million small nodes.
	joinBytes = 256 << 20
	// joinShare is what part of the machine's memory they may take.
	joinShare = 8
)

// roomToJoin is how many bytes of nodes are kept in memory while an index is being taken in.
var roomToJoin = sync.OnceValue(func() int {
	machine, err := mem.VirtualMemory()
	if err != nil {
		return joinBytes
	}
	return int(min(machine.Total/joinShare, joinBytes))
})
