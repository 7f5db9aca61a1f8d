package judge

import (
	"fmt"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// Record is an entry as the model and as the oracle read it.
type Record struct {
	setlog.Entry
	Said oracle.Entry
}

// NewRecord reads the line of a writer's entry. A line that the model does not take is one that changes nothing.
func NewRecord(writer setlog.Writer, number uint64, line []byte) Record {
	e, _ := setlog.ParseEntry(writer, number, line) // its error says what is compared anyhow: that it folds to nothing
	return Record{e, oracle.Read(writer.String(), int64(number), line)}
}

// String is the record in one line.
func (r Record) String() string { return fmt.Sprintf("%s %s", r.Writer, r.Line) }

// Want answers what the oracle says of a set of records.
func Want(records []Record) oracle.State {
	said := make([]oracle.Entry, len(records))
	for i := range records {
		said[i] = records[i].Said
	}
	return oracle.Fold(said...)
}
