package localstore

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/setlogger/setlogger/setlog"
)

// A block is some consecutive lines of a branch as one value of the log: the chain after them, their count, where
// each ends, and the lines. Three fit a page of bbolt, which keeps at least two values on each: larger ones would be
// written again with each neighbour, smaller ones cost a place in the tree each.
const (
	blockTarget = 1290
	blockHeader = sha256.Size + 4
)

// blockLines tells how many of the lines the next block takes: at least one.
func blockLines(lines [][]byte) int {
	size := blockHeader
	for i, line := range lines {
		if size += 4 + len(line); i > 0 && size > blockTarget {
			return i
		}
	}
	return len(lines)
}

func appendBlock(dst []byte, lines [][]byte, after setlog.Chain) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, after[:]...), uint32(len(lines)))
	end := 0
	for _, line := range lines {
		end += len(line)
		dst = binary.BigEndian.AppendUint32(dst, uint32(end))
	}
	for _, line := range lines {
		dst = append(dst, line...)
	}
	return dst
}

// block is a block as it is read; it is as short-lived as the transaction.
type block struct {
	chain setlog.Chain
	count uint64
	ends  []byte
	lines []byte
}

func decodeBlock(v []byte) (block, error) {
	var b block
	if len(v) < blockHeader {
		return b, fmt.Errorf("block: %w", errRecord)
	}
	v = v[copy(b.chain[:], v):]
	count := uint64(binary.BigEndian.Uint32(v))
	v = v[4:]
	if count == 0 || count > uint64(len(v)/4) {
		return b, fmt.Errorf("block: %w", errRecord)
	}
	b.count, b.ends, b.lines = count, v[:4*count], v[4*count:]
	for i, from := uint64(0), uint32(0); i < count; i++ {
		end := b.end(i)
		if end < from || int(end) > len(b.lines) {
			return b, fmt.Errorf("block: %w", errRecord)
		}
		from = end
	}
	return b, nil
}

func (b block) end(i uint64) uint32 { return binary.BigEndian.Uint32(b.ends[4*i:]) }

// line is the i-th line.
func (b block) line(i uint64) []byte {
	from := uint32(0)
	if i > 0 {
		from = b.end(i - 1)
	}
	return b.lines[from:b.end(i)]
}
