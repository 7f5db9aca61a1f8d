package oracle

import (
	"cmp"
	"math/big"
	"strconv"
)

// runKey names a run of increments among those under one floor of one path.
type runKey struct {
	writer string
	salt   uint64
}

// run is what an INCREMENT says: the total of a run so far.
type run struct {
	node  string
	path  []string
	floor mark
	key   runKey
	mark  mark
	total int64
}

// totalUnder sums the last total of each run under a floor, and tells whether there is any.
func totalUnder(runs []run, floor mark) (sum *big.Int, any bool) {
	last := map[runKey]run{}
	for _, r := range runs {
		if r.floor != floor {
			continue
		}
		if old, ok := last[r.key]; !ok || r.after(old) {
			last[r.key] = r
		}
	}
	sum = new(big.Int)
	for _, r := range last {
		sum.Add(sum, big.NewInt(r.total))
	}
	return sum, len(last) > 0
}

// after tells whether r stands for its run rather than o. Totals of a fork that are numbered alike are ordered as writes
// are: by stamp, then by what they say.
func (r run) after(o run) bool {
	return cmp.Or(
		cmp.Compare(r.mark.number, o.mark.number),
		cmp.Compare(r.mark.position, o.mark.position),
		cmp.Compare(r.mark.stamp, o.mark.stamp),
		cmp.Compare(r.total, o.total),
	) > 0
}

// add returns base + sum; a base that is no number is 0, any other counts for what is written.
func add(base raw, sum *big.Int) raw {
	exact := new(big.Rat).SetInt(sum)
	if base.Kind() == '0' {
		written, _ := new(big.Rat).SetString(string(base))
		exact.Add(exact, written)
	}
	f, _ := exact.Float64()
	return canonical(strconv.AppendFloat(nil, f, 'g', -1, 64))
}
