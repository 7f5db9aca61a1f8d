package localstore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// orderModel is a bucket beside the nodes as they must be, with a reader who is on its way through them.
type orderModel struct {
	*Bucket
	values map[string]int
	moved  map[string]bool // since the reader began
	begun  []string        // ids as the reader began, in order
	seen   []string
	after  []byte
}

func (m *orderModel) step(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}).Draw(t, "id")
	n := rapid.IntRange(0, 5).Draw(t, "n")
	body := fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":%d}}`, id, n)
	old, alive := m.values[id]
	if alive && rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
		body = fmt.Sprintf(`{"type":"DELETE_NODE","id":%q}`, id)
		delete(m.values, id)
		m.moved[id] = true
	} else {
		m.values[id] = n
		m.moved[id] = m.moved[id] || !alive || old != n
	}
	if _, err := m.Append(context.Background(), Request{Actions: mustParse(body)}); err != nil {
		t.Fatal(err)
	}
}

func (m *orderModel) sorted() []string {
	all := make([]string, 0, len(m.values))
	for id := range m.values {
		all = append(all, id)
	}
	slices.SortFunc(all, func(a, b string) int {
		return bytes.Compare(fmt.Appendf(nil, "%d%s", m.values[a], a), fmt.Appendf(nil, "%d%s", m.values[b], b))
	})
	return all
}

// page goes on with the reader. What comes is what follows the cursor in the order now; who came through saw each node
// that did not move once.
func (m *orderModel) page(t *rapid.T) {
	if m.after == nil {
		m.begun, m.seen, m.moved = m.sorted(), nil, map[string]bool{}
	}
	limit := rapid.IntRange(1, 4).Draw(t, "limit")
	order := m.Order()
	items, _, err := m.Ordered(order, m.after, nil, limit)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, id := range m.sorted() {
		n, err := m.Node(id)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Compare(order.Key(id, n), m.after) > 0 && len(want) < limit {
			want = append(want, id)
		}
	}
	if !slices.Equal(ids(items), want) {
		t.Fatalf("a page has %v, not %v", ids(items), want)
	}
	m.seen = append(m.seen, want...)
	if len(items) == limit {
		m.after = order.Key(items[limit-1].ID, items[limit-1].Node)
		return
	}
	stays := func(all []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return m.moved[id] })
	}
	if got := stays(m.seen); !slices.Equal(got, stays(m.begun)) {
		t.Fatalf("the reader saw %v of %v", got, stays(m.begun))
	}
	m.after = nil
}

func TestOrderModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "setlogger-order-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // of a test
		b, err := Create(filepath.Join(dir, "b.db"), "b", nil, testOptions(1))
		if err != nil {
			t.Fatal(err)
		}
		m := &orderModel{Bucket: b, values: map[string]int{}, moved: map[string]bool{}}
		if _, err := m.Append(context.Background(), Request{Actions: mustParse(`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["n"]}}}`)}); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"step": m.step, "step2": m.step, "step3": m.step, "page": m.page, "page2": m.page,
			"flush": func(t *rapid.T) {
				if err := m.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			},
			"reopen": func(t *rapid.T) {
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				if m.Bucket, err = Open(m.path, testOptions(1)); err != nil {
					t.Fatal(err)
				}
			},
		})
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
