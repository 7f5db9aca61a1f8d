package setlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Order is an order of nodes, as x-setlogger has it (docs/schema.md). It never changes once it is made.
type Order struct {
	fields []field // the last one is the id
	text   string
}

// field is one thing to order by.
type field struct {
	name string
	flip byte // 0xff for downwards: all bytes are inverted
}

// The fields that are no properties.
const (
	fieldID      = "id"
	fieldCreated = "created"
)

// MaxFields is how many names an order may have before the id.
const MaxFields = 8

const maxText = 256 // bytes of a text that are compared

// ErrOrder says that a list of names is no order, and that bytes are no key of one.
var ErrOrder = errors.New("setlog: not an order")

// ParseOrder reads a list of up to 8 distinct names: id, created (the stamp of the last create), or those of properties,
// with - in front for downwards. An empty list is ["-created","id"]. What comes after the id decides nothing and is left
// out; an id is added where none is.
func ParseOrder(names []string) (Order, error) {
	if len(names) == 0 {
		names = []string{"-" + fieldCreated}
	}
	var o Order
	for _, text := range append(slices.Clip(names), fieldID) {
		f := field{name: strings.TrimPrefix(text, "-")}
		if f.name != text {
			f.flip = math.MaxUint8
		}
		if f.name == "" {
			return Order{}, fmt.Errorf("%w: %q names nothing", ErrOrder, text)
		}
		if o.has(fieldID) {
			continue
		}
		if o.has(f.name) {
			return Order{}, fmt.Errorf("%w: %q is named twice", ErrOrder, f.name)
		}
		o.fields = append(o.fields, f)
	}
	if len(o.fields) > MaxFields+1 {
		return Order{}, fmt.Errorf("%w: it has more than %d names before the id", ErrOrder, MaxFields)
	}
	text, err := canonicalJSON(o.Names())
	o.text = string(text)
	return o, err
}

func (o Order) has(name string) bool {
	return slices.ContainsFunc(o.fields, func(f field) bool { return f.name == name })
}

// Names are those that ParseOrder reads, the id's last.
func (o Order) Names() []string {
	names := make([]string, len(o.fields))
	for i, f := range o.fields {
		names[i] = f.name
		if f.flip != 0 {
			names[i] = "-" + f.name
		}
	}
	return names
}

// String is the names as canonical JSON. Orders of one text are the same.
func (o Order) String() string { return o.text }

// IsByID tells whether it is the order of ids, upwards.
func (o Order) IsByID() bool { return o.fields[0].name == fieldID && o.fields[0].flip == 0 }

// Equal tells whether two orders are the same.
func (o Order) Equal(other Order) bool { return o.text == other.text }

// Key is where a node stands: keys sort bytewise as their nodes do, and no two nodes have the same. A node that is not
// alive stands where one without properties would that was created at stamp 0.
//
// A key is a part for each field, downwards with all of its bytes inverted:
//
//	created = stamp:8, big endian
//	id      = the text; downwards escaped as below
//	other   = 1 absent | 2 null | 3 false | 4 true | 5 number:8 | 6 string | 7 array | 8 object
//	number  = the bits of a float64, big endian; inverted if it is negative, else with the first one set
//	string  = the first 256 bytes of the text, with 00 as 01 01 and 01 as 01 02; then 00
//	array, object = the same of its canonical JSON
func (o Order) Key(id string, n *Node) []byte {
	key := make([]byte, 0, 16*len(o.fields)+len(id))
	for _, f := range o.fields {
		at := len(key)
		key = f.flipped(f.append(key, id, n), at)
	}
	return key
}

// flipped inverts a key from a place on if the field is downwards.
func (f field) flipped(key []byte, at int) []byte {
	for i := at; f.flip != 0 && i < len(key); i++ {
		key[i] ^= f.flip
	}
	return key
}

// StoredKey is the key of a node in binary form, nil when it is not alive.
func (o Order) StoredKey(id string, data []byte) ([]byte, error) {
	n, err := o.decode(data)
	if err != nil || !n.Alive() {
		return nil, err
	}
	return o.Key(id, n), nil
}

// decode reads as much of a node as its key takes.
func (o Order) decode(data []byte) (*Node, error) {
	for _, f := range o.fields {
		if f.name != fieldID && f.name != fieldCreated {
			return DecodeNode(data)
		}
	}
	d := decoder{rest: string(data)}
	n := d.head()
	if d.failed {
		return nil, ErrNode
	}
	return n, nil
}

// append adds what a field says of a node, upwards.
func (f field) append(dst []byte, id string, n *Node) []byte {
	switch {
	case f.name == fieldCreated:
		stamp := Stamp(0)
		if n.Alive() {
			stamp = n.created.Stamp
		}
		return binary.BigEndian.AppendUint64(dst, uint64(stamp))
	case f.name == fieldID && f.flip == 0:
		return append(dst, id...)
	case f.name == fieldID:
		return appendText(dst, id)
	case !n.Alive():
		return append(dst, sortAbsent)
	}
	return appendSortable(dst, n.at([]string{f.name}).visible())
}

// What a value is, as values sort.
const (
	sortAbsent = 1 + iota
	sortNull
	sortFalse
	sortTrue
	sortNumber
	sortString
	sortArray
	sortObject
)

// appendSortable appends a canonical value, nil for none, in a form that sorts.
func appendSortable(dst, value []byte) []byte {
	if len(value) == 0 {
		return append(dst, sortAbsent)
	}
	switch value[0] {
	case 'n':
		return append(dst, sortNull)
	case 'f':
		return append(dst, sortFalse)
	case 't':
		return append(dst, sortTrue)
	case '"':
		return appendText(append(dst, sortString), cut(unquote(value)))
	case '[':
		return appendText(append(dst, sortArray), cut(value))
	case '{':
		return appendText(append(dst, sortObject), cut(value))
	}
	number, _ := strconv.ParseFloat(string(value), 64) // canonical numbers are in range
	bits := math.Float64bits(number)
	if number < 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(append(dst, sortNumber), bits)
}

func cut[T []byte | string](text T) T { return text[:min(len(text), maxText)] }

// appendText appends a text and a byte that is not in it.
func appendText[T []byte | string](dst []byte, text T) []byte {
	for i := range len(text) {
		if text[i] <= 1 {
			dst = append(dst, 1, text[i]+1)
			continue
		}
		dst = append(dst, text[i])
	}
	return append(dst, 0)
}

// ID is the id of the node that a key is of; an ErrOrder when it is no key.
func (o Order) ID(key []byte) (string, error) {
	for _, f := range o.fields {
		var id string
		var ok bool
		switch f.name {
		case fieldID:
			if id, ok = f.readID(key); ok && validID(id) {
				return id, nil
			}
		case fieldCreated:
			if ok = len(key) >= 8; ok {
				key = key[8:]
			}
		default:
			key, ok = f.skip(key)
		}
		if !ok {
			break
		}
	}
	return "", fmt.Errorf("%w: %d bytes are no key of %s", ErrOrder, len(key), o.text)
}

// skip answers what comes after the value at the head of a key.
func (f field) skip(key []byte) (rest []byte, ok bool) {
	if len(key) == 0 {
		return nil, false
	}
	kind, rest := key[0]^f.flip, key[1:]
	switch {
	case kind >= sortAbsent && kind < sortNumber:
		return rest, true
	case kind == sortNumber && len(rest) >= 8:
		return rest[8:], true
	case kind >= sortString && kind <= sortObject:
		end := bytes.IndexByte(rest, f.flip)
		return rest[end+1:], end >= 0
	}
	return nil, false
}

func (f field) readID(key []byte) (string, bool) {
	if f.flip == 0 {
		return string(key), true
	}
	id := make([]byte, 0, len(key))
	for i := 0; i < len(key); i++ {
		switch c := key[i] ^ f.flip; {
		case c == 0:
			return string(id), i == len(key)-1
		case c == 1 && i+1 < len(key):
			i++
			id = append(id, (key[i]^f.flip)-1)
		default:
			id = append(id, c)
		}
	}
	return "", false
}
