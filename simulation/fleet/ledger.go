package fleet

import (
	"fmt"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// record is an entry that a device acknowledged, or that was found durable after a crash.
type record struct {
	judge.Record
	previous setlog.Chain // before it
	lost     bool         // its device was set back before anything else had it: it may be gone
}

// ledger holds what was written, by the chain after it: the branches of a writer stay apart.
type ledger map[setlog.Chain]*record

// head is how far a device's own log goes.
type head struct {
	writer setlog.Writer
	number uint64
	chain  setlog.Chain
}

// add notes the next entry of a device.
func (l ledger) add(at *head, writer setlog.Writer, number uint64, line []byte) error {
	if writer != at.writer {
		*at = head{writer: writer, chain: setlog.FirstChain(bucketName, writer)}
	}
	if number != at.number+1 {
		return fmt.Errorf("entry %d of writer %s follows entry %d", number, writer, at.number)
	}
	chain := at.chain.Next(line)
	if l[chain] == nil {
		said := oracle.Read(writer.String(), int64(number), line)
		l[chain] = &record{Record: judge.Record{Entry: setlog.Entry{Writer: writer, Number: number, Line: line}, Said: said}, previous: at.chain}
	}
	at.number, at.chain = number, chain
	return nil
}

// covered answers the entries of a coverage.
func (l ledger) covered(c setlog.Coverage) (map[*record]bool, error) {
	all := map[*record]bool{}
	for _, r := range c {
		chain := r.Chain
		for number := r.Last; number >= r.First; number-- {
			e := l[chain]
			if e == nil || e.Number != number || e.Writer != r.Writer {
				return nil, fmt.Errorf("a coverage holds entry %d of writer %s on a branch that nobody wrote", number, r.Writer)
			}
			all[e] = true
			chain = e.previous
		}
	}
	return all, nil
}
