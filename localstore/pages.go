package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// pageCheck looks whether bbolt's pages, read from the file and not through its map, hold what their headers say: bbolt
// believes them, and would read beyond the map. See bbolt's internal/common for the layout, which is in the byte order
// of the machine.
type pageCheck struct {
	file *os.File
	size int64
	end  uint64 // pages in use
	seen map[uint64]bool
}

const (
	pageHeader   = 16 // id u64, flags u16, count u16, overflow u32
	pageElement  = 16 // branch: pos u32, ksize u32, id u64; leaf: flags u32, pos u32, ksize u32, vsize u32
	pageIsBranch = 1
	pageIsLeaf   = 2
	leafIsBucket = 1  // flag of an element
	bucketHeader = 16 // its value: root u64, sequence u64, and without a root a page that lies right there
	allBuckets   = 3  // deep: those of the file, the orders in one of them, and their keys
)

func newPageCheck(file *os.File, tx *bolt.Tx) *pageCheck {
	size := int64(tx.DB().Info().PageSize)
	return &pageCheck{file: file, size: size, end: uint64(tx.Size() / size), seen: map[uint64]bool{}}
}

// checkHeaders follows the few pages that hold headers of buckets: bbolt copies as many bytes of one as its page says, and what
// is out of memory ends the process.
func checkHeaders(file *os.File, tx *bolt.Tx) error {
	p := newPageCheck(file, tx)
	if err := p.follow(uint64(tx.Cursor().Bucket().RootPage()), 0); err != nil {
		return err
	}
	if orders := tx.Bucket([]byte(bucketOrders)); orders != nil && orders.RootPage() != 0 {
		return p.follow(uint64(orders.RootPage()), 1)
	}
	return nil
}

// checkPages follows all pages of a transaction's buckets.
func checkPages(path string, tx *bolt.Tx) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return newPageCheck(file, tx).follow(uint64(tx.Cursor().Bucket().RootPage()), allBuckets)
}

// follow looks at a page and those below it; of the buckets in them so many levels, and those that lie within a page.
func (p *pageCheck) follow(id uint64, levels int) error {
	if p.seen[id] {
		return fmt.Errorf("page %d is used twice: %w", id, errRecord)
	}
	p.seen[id] = true
	page, err := p.read(id)
	if err != nil {
		return err
	}
	return p.elements(id, page, levels)
}

// elements looks at what a page holds.
func (p *pageCheck) elements(id uint64, page []byte, levels int) error {
	order := binary.NativeEndian
	flags, count := order.Uint16(page[8:]), int(order.Uint16(page[10:]))
	if flags != pageIsBranch && flags != pageIsLeaf || pageHeader+count*pageElement > len(page) {
		return fmt.Errorf("page %d has flags %x and %d elements: %w", id, flags, count, errRecord)
	}
	for i := range count {
		at := pageHeader + i*pageElement
		element := page[at:]
		value, size := at+int(order.Uint32(element))+int(order.Uint32(element[4:])), 0
		if flags == pageIsLeaf {
			value, size = at+int(order.Uint32(element[4:]))+int(order.Uint32(element[8:])), int(order.Uint32(element[12:]))
		}
		if value+size > len(page) {
			return fmt.Errorf("page %d reaches beyond its end: %w", id, errRecord)
		}
		var err error
		switch {
		case flags == pageIsBranch:
			err = p.follow(order.Uint64(element[8:]), levels)
		case order.Uint32(element)&leafIsBucket != 0:
			err = p.bucket(id, page[value:value+size], levels)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket looks at the header of a bucket. bbolt copies one with the page within it into memory of the program, and would read what lies
// beyond there.
func (p *pageCheck) bucket(id uint64, header []byte, levels int) error {
	if len(header) < bucketHeader {
		return fmt.Errorf("page %d holds half of a bucket: %w", id, errRecord)
	}
	root, within := binary.NativeEndian.Uint64(header), header[bucketHeader:]
	switch {
	case root != 0 && levels > 0:
		return p.follow(root, levels-1)
	case root != 0:
		return nil
	case len(within) < pageHeader || binary.NativeEndian.Uint16(within[8:]) != pageIsLeaf:
		return fmt.Errorf("page %d holds a bucket without a page: %w", id, errRecord)
	}
	return p.elements(id, within, 0)
}

// read answers a page with those it flows over to.
func (p *pageCheck) read(id uint64) ([]byte, error) {
	header := make([]byte, pageHeader)
	if id < 2 || id >= p.end {
		return nil, fmt.Errorf("page %d of %d: %w", id, p.end, errRecord)
	}
	if _, err := p.file.ReadAt(header, int64(id)*p.size); err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header) != id || id+overflow >= p.end {
		return nil, fmt.Errorf("page %d says it is %d with %d more: %w", id, binary.NativeEndian.Uint64(header), overflow, errRecord)
	}
	page := make([]byte, int64(1+overflow)*p.size)
	_, err := p.file.ReadAt(page, int64(id)*p.size)
	return page, err
}
