package localstore

import "slices"

// arena is memory for the values of one transaction: bbolt refers to them until it is committed. The next transaction
// uses the same memory again.
type arena struct {
	pieces [][]byte // of arenaPiece bytes each; all but the last are full
	used   int      // pieces in use
}

const (
	arenaPiece = 64 << 10
	arenaKeep  = 64 // pieces kept for the next transaction
)

// reset takes all memory back.
func (a *arena) reset() {
	a.pieces = a.pieces[:min(len(a.pieces), arenaKeep)]
	for i, p := range a.pieces {
		a.pieces[i] = p[:0]
	}
	a.used = 0
}

// take answers what encode appends.
func (a *arena) take(encode func(dst []byte) []byte) []byte {
	if a.used == 0 || cap(a.pieces[a.used-1])-len(a.pieces[a.used-1]) < 2*blockTarget {
		if a.used == len(a.pieces) {
			a.pieces = append(a.pieces, make([]byte, 0, arenaPiece))
		}
		a.used++
	}
	piece := a.pieces[a.used-1]
	value := encode(piece[len(piece):])
	if len(value) <= cap(piece)-len(piece) { // else it did not fit, and has memory of its own
		a.pieces[a.used-1] = piece[:len(piece)+len(value)]
	}
	return slices.Clip(value)
}
