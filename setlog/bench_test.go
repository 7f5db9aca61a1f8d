package setlog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

func BenchmarkParseActions(b *testing.B) {
	body := []byte(`{"id":"city-1234567","properties":{"country":"FR","name":"Villefranche","population":12345},"type":"CREATE_NODE"}`)
	data := make([]byte, len(body))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		copy(data, body)
		if _, err := setlog.ParseActions(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompose composes own entries, one action each: of new nodes, and updates among 1,000.
func BenchmarkCompose(b *testing.B) {
	const few = 1000
	compose := func(b *testing.B, m memory, d *setlog.Draft, body string) {
		actions, err := setlog.ParseActions([]byte(body))
		if err != nil {
			b.Fatal(err)
		}
		d.Number++
		_, change, err := setlog.Compose(m, *d, actions)
		if err != nil {
			b.Fatal(err)
		}
		m.apply(change)
	}
	b.Run("new", func(b *testing.B) {
		m, d := memory{}, setlog.Draft{Now: start, Clock: &setlog.Clock{}}
		b.ReportAllocs()
		for b.Loop() {
			compose(b, m, &d, fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"name":"x","n":%d}}`, d.Number, d.Number))
		}
	})
	b.Run("update", func(b *testing.B) {
		m, d := memory{}, setlog.Draft{Now: start, Clock: &setlog.Clock{}}
		for i := range few {
			compose(b, m, &d, fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"name":"x","n":%d}}`, i, i))
		}
		b.ReportAllocs()
		for b.Loop() {
			compose(b, m, &d, fmt.Sprintf(`{"type":"SET_PROPERTY","id":"%d","properties":{"n":%d}}`, d.Number%few, d.Number))
		}
	})
}

// BenchmarkFoldSet is figure S3 of the project: SET_PROPERTY folded in memory, with json.Unmarshal of the same beside
// it.
func BenchmarkFoldSet(b *testing.B) {
	m, d := memory{}, setlog.Draft{Now: start, Clock: &setlog.Clock{}}
	var entries []setlog.Entry
	add := func(body string) {
		actions, err := setlog.ParseActions([]byte(body))
		if err != nil {
			b.Fatal(err)
		}
		d.Number++
		e, change, err := setlog.Compose(m, d, actions)
		if err != nil {
			b.Fatal(err)
		}
		m.apply(change)
		entries = append(entries, e)
	}
	for i := range 100 {
		add(fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"n":-1}}`, i))
	}
	for i := range 10_000 {
		add(fmt.Sprintf(`{"type":"SET_PROPERTY","id":"%d","properties":{"n":%d}}`, i%100, i))
	}
	created, sets := entries[:100], entries[100:]
	b.Run("fold", func(b *testing.B) { benchmarkFold(b, created, sets, false) })
	b.Run("parse+fold", func(b *testing.B) { benchmarkFold(b, created, sets, true) })
	b.Run("json.Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			var a struct {
				Type, ID   string
				Properties map[string]json.RawMessage
			}
			if err := json.Unmarshal(sets[i%len(sets)].Actions[0].JSON, &a); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func benchmarkFold(b *testing.B, created, sets []setlog.Entry, parse bool) {
	var m memory
	fold := func(e setlog.Entry) {
		change, err := setlog.Fold(m, e)
		if err != nil {
			b.Fatal(err)
		}
		m.apply(change)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(sets) == 0 { // a fold that was folded already would be too cheap
			m = memory{}
			for _, e := range created {
				fold(e)
			}
		}
		e := sets[i%len(sets)]
		if parse {
			var err error
			if e, err = setlog.ParseEntry(e.Writer, e.Number, e.Line); err != nil {
				b.Fatal(err)
			}
		}
		fold(e)
	}
}

func BenchmarkNodeBinary(b *testing.B) {
	m, clock := memory{}, setlog.Clock{}
	a, err := setlog.ParseAction([]byte(`{"id":"1","properties":{"country":"FR","name":"Villefranche","population":12345},"type":"CREATE_NODE"}`))
	if err != nil {
		b.Fatal(err)
	}
	_, change, err := setlog.Compose(m, setlog.Draft{Number: 1, Now: start, Clock: &clock}, []setlog.Action{a})
	if err != nil {
		b.Fatal(err)
	}
	data := change.Nodes[0].Node.AppendBinary(nil)
	b.ReportAllocs()
	for b.Loop() {
		n, err := setlog.DecodeNode(data)
		if err != nil {
			b.Fatal(err)
		}
		if again := n.AppendBinary(make([]byte, 0, len(data))); !bytes.Equal(again, data) {
			b.Fatal("the binary form is not stable")
		}
	}
}
