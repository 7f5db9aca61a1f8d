package localstore

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// maxUpcoming is how many entries a commit may write for people to wait for it: those of more are no news of a person.
const maxUpcoming = 64

// Upcoming is the own entries that a commit under way is to write, for a message to be made of them meanwhile. It is to be sent once
// Wrote says so, and never else: what was not written may come to be another entry of the same number.
type Upcoming struct {
	header setlog.Header
	lines  [][]byte
	chain  setlog.Chain // after the last of them
	seed   [ed25519.SeedSize]byte
}

// upcoming answers the own entries of the batch; nil where they are many, or do not follow what is written.
func (b *batch) upcoming() *Upcoming {
	before, l := b.before, b.ledger
	if b.own == 0 || b.own != b.entries || b.own > maxUpcoming || len(b.runs) != 1 || before.current == 0 || before.current != l.current || len(before.births) == 0 || !slices.Equal(before.births, l.births) {
		return nil
	}
	old, now := before.branch(before.current), l.branch(l.current)
	return &Upcoming{
		header: setlog.Header{Bucket: l.name, Births: l.births, Writer: now.writer, Key: slices.Clone(now.key[:]), First: old.head + 1, Previous: old.chain},
		lines:  slices.Clone(b.runs[0].lines), chain: now.chain, seed: l.keys[now.writer],
	}
}

// Follows tells whether the entries come right after those of an excerpt.
func (u *Upcoming) Follows(place Excerpt) bool {
	return place.Writer == u.header.Writer && place.Last+1 == u.header.First
}

// Excerpt makes a segment of the entries, as Bucket.Excerpt does. Data is nil where they don't fit.
func (u *Upcoming) Excerpt(most int) (Excerpt, error) {
	last := u.header.First + uint64(len(u.lines)) - 1
	_, data, err := setlog.EncodeExcerpt(u.header, u.lines, ed25519.NewKeyFromSeed(u.seed[:]))
	if err != nil {
		return Excerpt{}, fmt.Errorf("make an excerpt from entry %d of %v: %w", u.header.First, u.header.Writer, err)
	}
	if len(data) > most {
		data = nil
	}
	return Excerpt{Writer: u.header.Writer, Last: last, Data: data, Head: last}, nil
}

// Wrote tells whether the entries are written, and the last there are.
func (b *Bucket) Wrote(u *Upcoming) bool {
	l := b.now()
	if l.current == 0 {
		return false
	}
	br := l.branch(l.current)
	return br.writer == u.header.Writer && br.own == u.header.First+uint64(len(u.lines))-1 && br.head == br.own && br.chain == u.chain
}
