package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// schemaVersion is that of the files this version writes; a newer one is refused.
const schemaVersion = 4

// The buckets of a file. Numbers in keys are big endian, so that they sort.
const (
	bucketMeta     = "meta"     // see the keys below
	bucketWriters  = "writers"  // writer → seed of its Ed25519 key: the current one and all before it
	bucketBranches = "branches" // branch u32 → branch record
	bucketLog      = "log"      // branch u32, number of the block's last entry u64 → block
	bucketArrivals = "arrivals" // offset of the span's first entry u64 → branch u32, first u64, last u64
	bucketNodes    = "nodes"    // id → node
	bucketOrders   = "orders"   // names of an order → record, and keys of the stored nodes that are alive, see ordering
	bucketKeys     = "keys"     // SHA-256 of an idempotency key → key record
	bucketSegments = "segments" // name → segment record
	bucketParts    = "parts"    // number of the segment u32, part u32 → some of its bytes
	bucketSent     = "sent"     // remote, 0, name → state; without a remote: of an index that was taken in
)

func schemaBuckets() []string {
	return []string{
		bucketMeta, bucketWriters, bucketBranches, bucketLog, bucketArrivals, bucketNodes, bucketKeys, bucketSegments,
		bucketParts, bucketSent, bucketOrders,
	}
}

// Keys of the meta bucket.
const (
	metaSchema   = "schema"   // u32
	metaName     = "name"     // of the bucket
	metaBirths   = "births"   // joined by newlines
	metaWriter   = "writer"   // the current one
	metaIdentity = "identity" // of machine and file
	metaState    = "state"    // state record
	metaRules    = "rules"    // JSON Schema register
	metaAdopted  = "adopted"  // coverage that came by indexes, in JSON; absent when none did
	metaJoining  = "joining"  // 1 while the nodes of an index are being taken in: some are, its coverage is not
	metaCursor   = "cursor"   // u64: offset up to which the stored nodes are whole
)

var errRecord = errors.New("a record has a wrong length or form")

// branch is one line of entries of a writer. The entries up to fork are those of the parent: a second branch begins where
// the log forked, or where entries came before those that they go on from. Until these come it is loose and has no parent:
// what lies below fork is not in this log.
type branch struct {
	id     uint32
	writer setlog.Writer
	key    [32]byte // public key
	parent uint32   // 0: none
	fork   uint64   // last number shared with the parent
	head   uint64
	chain  setlog.Chain // after head
	own    uint64       // last number appended here, 0: none
	sealed uint64       // last number that is in a segment; of interest up to own
	seen   uint64       // head at the last own entry, which named it; 0: not yet named by the current writer

	loose    bool
	previous setlog.Chain // after fork, of a loose branch
}

// The sizes of a branch's record, and of a loose one's.
const (
	branchSize = 10 + 32 + 4 + 8 + 8 + 32 + 8 + 8 + 8
	looseSize  = branchSize + 32
)

func (b *branch) append(dst []byte) []byte {
	dst = append(append(dst, b.writer[:]...), b.key[:]...)
	dst = binary.BigEndian.AppendUint32(dst, b.parent)
	dst = binary.BigEndian.AppendUint64(dst, b.fork)
	dst = binary.BigEndian.AppendUint64(dst, b.head)
	dst = append(dst, b.chain[:]...)
	dst = binary.BigEndian.AppendUint64(dst, b.own)
	dst = binary.BigEndian.AppendUint64(dst, b.sealed)
	dst = binary.BigEndian.AppendUint64(dst, b.seen)
	if b.loose {
		dst = append(dst, b.previous[:]...)
	}
	return dst
}

func decodeBranch(key, v []byte) (*branch, error) {
	if len(key) != 4 || len(v) != branchSize && len(v) != looseSize {
		return nil, fmt.Errorf("branch: %w", errRecord)
	}
	b := &branch{id: binary.BigEndian.Uint32(key)}
	v = v[copy(b.writer[:], v):]
	v = v[copy(b.key[:], v):]
	b.parent, v = binary.BigEndian.Uint32(v), v[4:]
	b.fork, v = binary.BigEndian.Uint64(v), v[8:]
	b.head, v = binary.BigEndian.Uint64(v), v[8:]
	v = v[copy(b.chain[:], v):]
	b.own, v = binary.BigEndian.Uint64(v), v[8:]
	b.sealed, v = binary.BigEndian.Uint64(v), v[8:]
	b.seen, v = binary.BigEndian.Uint64(v), v[8:]
	b.loose = len(v) > 0
	copy(b.previous[:], v)
	return b, nil
}

func (b *branch) headOf() setlog.Head {
	return setlog.Head{Writer: b.writer, Number: b.head, Chain: b.chain.Short()}
}

// span is consecutive entries of one branch that arrived together.
type span struct {
	branch      uint32
	first, last uint64
}

func (s span) count() uint64 { return s.last - s.first + 1 }

func (s span) encode() []byte {
	dst := binary.BigEndian.AppendUint32(make([]byte, 0, 20), s.branch)
	dst = binary.BigEndian.AppendUint64(dst, s.first)
	return binary.BigEndian.AppendUint64(dst, s.last)
}

func decodeSpan(v []byte) (span, error) {
	if len(v) != 20 {
		return span{}, fmt.Errorf("arrival: %w", errRecord)
	}
	return span{binary.BigEndian.Uint32(v), binary.BigEndian.Uint64(v[4:]), binary.BigEndian.Uint64(v[12:])}, nil
}

func uint64Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func uint32Key(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func logKey(branch uint32, number uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(make([]byte, 0, 12), branch), number)
}

// stateRecord is what changes with nearly every commit.
type stateRecord struct {
	offset    uint64 // of the last entry: how many the log holds
	bytes     uint64 // of their lines
	alive     uint64 // nodes
	watermark setlog.Stamp
	closed    bool
}

func (s stateRecord) encode() []byte {
	dst := make([]byte, 0, 33)
	for _, n := range [...]uint64{s.offset, s.bytes, s.alive, uint64(s.watermark)} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	if s.closed {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func decodeState(v []byte) (stateRecord, error) {
	if len(v) != 33 {
		return stateRecord{}, fmt.Errorf("state: %w", errRecord)
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(v[8*i:]) }
	return stateRecord{at(0), at(1), at(2), setlog.Stamp(at(3)), v[32] == 1}, nil
}

// checkSchema answers a file's version. It refuses one that a newer version wrote, and one that is no store.
func checkSchema(tx *bolt.Tx, path string) (uint32, error) {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil || len(meta.Get([]byte(metaSchema))) != 4 {
		return 0, corrupt(path, "it has no schema version")
	}
	v := binary.BigEndian.Uint32(meta.Get([]byte(metaSchema)))
	if v > schemaVersion {
		return v, fmt.Errorf("%w: %s has schema %d, this version knows %d: update it", ErrNewer, path, v, schemaVersion)
	}
	return v, nil
}
