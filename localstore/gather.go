package localstore

import "time"

// gathering holds a batch back for a moment after a commit, while its callers come back with their next request. Many
// who each wait for an answer before they ask again would else fall into two halves for ever, of which one is composed
// while the other is committed, and so share only half of an fsync.
type gathering struct {
	over     *time.Timer // ends it
	began    time.Time   // of the commit
	expected int         // operations at which nobody is missing; 0: nobody is waited for
}

// patience is which part of the time that a commit took is waited at most.
const patience = 4

func newGathering() gathering {
	g := gathering{over: time.NewTimer(time.Hour)}
	g.over.Stop()
	return g
}

// begin notes that a batch is being committed.
func (g *gathering) begin() {
	g.end()
	g.began = time.Now()
}

// settled notes that so many operations were answered, while others wait already. When none do there is nothing to hold
// back: the next one is committed at once.
func (g *gathering) settled(answered, waiting int) {
	if waiting == 0 {
		return
	}
	g.expected = answered + waiting
	g.over.Reset(time.Since(g.began) / patience)
}

// waits tells whether a batch of so many operations is held back.
func (g *gathering) waits(operations int) bool { return operations < g.expected }

func (g *gathering) end() {
	g.expected = 0
	g.over.Stop()
}
