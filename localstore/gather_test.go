package localstore

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestGather lets each commit take a second, and two wait while one is committed: the next commit has the one who asks
// again in it, if that comes in time.
func TestGather(t *testing.T) {
	const second, most = time.Second, time.Second / patience
	for name, test := range map[string]struct {
		back         time.Duration // how long after its answer the first asks again; negative: never
		others, last time.Duration // when the others, and the first the second time, are answered
	}{
		"at once":  {0, 2 * second, 2 * second},
		"in time":  {most / 2, 2*second + most/2, 2*second + most/2},
		"too late": {2 * most, 2*second + most, 3*second + 2*most},
		"never":    {-1, 2*second + most, second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				others, last := appendBeside(t, test.back)
				if others[0] != test.others || others[1] != test.others || last != test.last {
					t.Errorf("the others were answered after %v, the first after %v", others, last)
				}
			})
		})
	}
}

func appendBeside(t *testing.T, back time.Duration) (others [2]time.Duration, last time.Duration) {
	o := testOptions(1)
	o.CommitFault = func(written bool) error {
		if !written {
			time.Sleep(time.Second)
		}
		return nil
	}
	b := create(t, "b", nil, o)
	began := time.Now()
	var all sync.WaitGroup
	all.Go(func() {
		putNode(t, b, "first", 1)
		if back >= 0 {
			time.Sleep(back)
			putNode(t, b, "again", 1)
		}
		last = time.Since(began)
	})
	synctest.Wait() // until its commit sleeps
	for i, id := range []string{"second", "third"} {
		all.Go(func() {
			putNode(t, b, id, 1)
			others[i] = time.Since(began)
		})
	}
	all.Wait()
	return others, last
}
