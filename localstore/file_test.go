package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// edit changes a closed file behind the store's back.
func edit(t testing.TB, path string, do func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(do), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// setIdentity makes a copied file pass for the one its writer was minted in.
func setIdentity(t testing.TB, path string, o Options) {
	t.Helper()
	id, err := identify(path, o)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaIdentity), id.encode()) })
}

func TestCreateTwice(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	_, err := Create(b.path, "b", nil, testOptions(1))
	wantError(t, err, ErrExists)
}

func TestOpenWhatIsNotThere(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.db"), testOptions(1))
	wantError(t, err, ErrMissing)
}

func TestHalfMadeFileIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(path+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := Create(path, "b", nil, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	checked(t, b)
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Error("the half-made file is still there", err)
	}
}

func TestCreateWhereNothingCanBe(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "no", "b.db"), "b", nil, testOptions(1)); !errors.Is(err, ErrCommit) {
		t.Error(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "b.db.new", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(dir, "b.db"), "b", nil, testOptions(1)); err == nil {
		t.Error("made a bucket over a folder")
	}
}

func TestLocked(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	o := testOptions(2)
	o.LockTimeout = time.Millisecond
	_, err := Open(b.path, o)
	wantError(t, err, ErrLocked)
}

func TestNewerSchema(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, b.path, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaSchema), uint32Key(schemaVersion+1))
	})
	_, err := Open(b.path, testOptions(1))
	wantError(t, err, ErrNewer)
	edit(t, b.path, func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucketMeta)) })
	_, err = Open(b.path, testOptions(1))
	wantError(t, err, ErrCorrupt)
}

func TestGarbageInPlaceOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.db")
	for _, garbage := range []int{1, 100, 5000, 70000} {
		data := make([]byte, garbage)
		for i := range data {
			data[i] = byte(i * 7)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, testOptions(1))
		wantError(t, err, ErrCorrupt)
	}
}

// TestCutFile: a file that ends early, wherever, is answered as an error and let go of.
func TestCutFile(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	for i := range 300 {
		putNode(t, b, string(rune('a'+i%26))+string(rune('a'+i/26)), i)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.db")
	used := usedBytes(t, b.path)
	for size := 1024; size < used; size += 4096 - 512 {
		if err := os.WriteFile(cut, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time shows that the first let go of the lock
			_, err := Open(cut, testOptions(1))
			wantError(t, err, ErrCorrupt)
		}
	}
}

func usedBytes(t *testing.T, path string) int {
	t.Helper()
	size := 0
	edit(t, path, func(tx *bolt.Tx) error { size = int(tx.Size()); return nil })
	return size
}

// TestDamagedFile: whatever bytes change, nothing panics, and what is damaged does not pass the check.
func TestDamagedFile(t *testing.T) {
	o := testOptions(1)
	b := create(t, "b", nil, o)
	for i := range 200 {
		putNode(t, b, string(rune('a'+i%26))+string(rune('a'+i/26)), i)
	}
	sealed(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	used := usedBytes(t, b.path)
	random := rand.New(rand.NewPCG(3, 4))
	files, found := unlessShort(150, 14), 0
	path := filepath.Join(t.TempDir(), "damaged.db")
	for range files {
		data := append([]byte(nil), whole...)
		page := random.IntN(used/4096) * 4096
		for range 40 {
			data[page+random.IntN(4096)] ^= byte(1 + random.IntN(255))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if damaged(path) {
			found++
		}
	}
	if found < files/2 {
		t.Errorf("only %d of %d damaged files were noticed", found, files)
	}
}

// TestHeaderOfABucketThatIsEndless: bbolt would copy as many bytes of it as its page says, and out of memory is the end of all.
func TestHeaderOfABucketThatIsEndless(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	for i := range 100 {
		putNode(t, b, fmt.Sprint("n", i), i)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	var page int64
	edit(t, b.path, func(tx *bolt.Tx) error { page = int64(tx.Bucket([]byte(bucketOrders)).RootPage()) * 4096; return nil })
	whole, err := os.ReadFile(b.path)
	if err != nil || page == 0 {
		t.Fatal(page, err)
	}
	headers := 0
	for i := range int(binary.NativeEndian.Uint16(whole[page+10:])) {
		if element := whole[int(page)+pageHeader+i*pageElement:]; binary.NativeEndian.Uint32(element) == 1 { // a bucket
			binary.NativeEndian.PutUint32(element[12:], 0x7e000010)
			headers++
		}
	}
	if err := os.WriteFile(b.path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Open(b.path, testOptions(1))
	runtime.ReadMemStats(&after)
	wantError(t, err, ErrCorrupt)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 64<<20 || headers == 0 {
		t.Errorf("%d bytes were allocated, for %d headers", bytes, headers)
	}
}

func damaged(path string) bool {
	b, err := Open(path, testOptions(2))
	if err != nil {
		return true
	}
	err = b.Check()
	_, _ = b.Nodes("", "", 1000)
	_, _ = b.Log(0, 1000)
	return errors.Join(err, b.Close()) != nil
}

// TestCheckFindsWhatIsWrong: each record that is changed alone is found.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	first := func(tx *bolt.Tx, bucket string) (*bolt.Bucket, []byte, []byte) {
		b := tx.Bucket([]byte(bucket))
		k, v := b.Cursor().First()
		return b, append([]byte(nil), k...), append([]byte(nil), v...)
	}
	flip := func(bucket string, at int) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b, k, v := first(tx, bucket)
			if at < 0 {
				at += len(v)
			}
			v[at] ^= 1
			return b.Put(k, v)
		}
	}
	drop := func(bucket string) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b, k, _ := first(tx, bucket)
			return b.Delete(k)
		}
	}
	state := func(field int) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			meta := tx.Bucket([]byte(bucketMeta))
			v := append([]byte(nil), meta.Get([]byte(metaState))...)
			binary.BigEndian.PutUint64(v[8*field:], binary.BigEndian.Uint64(v[8*field:])+1)
			return meta.Put([]byte(metaState), v)
		}
	}
	extraNode := func(tx *bolt.Tx) error {
		b, _, v := first(tx, bucketNodes)
		return b.Put([]byte("zzz"), v)
	}
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"line": flip(bucketLog, -1), "chain": flip(bucketLog, 0), "count": flip(bucketLog, 35), "no block": drop(bucketLog),
		"arrival": flip(bucketArrivals, 11), "no arrival": drop(bucketArrivals), "head": flip(bucketBranches, 61),
		"branch key": flip(bucketBranches, 20), "no branch": drop(bucketBranches), "node": flip(bucketNodes, -1),
		"no node": drop(bucketNodes), "node too many": extraNode, "part": flip(bucketParts, 60), "no part": drop(bucketParts),
		"segment": flip(bucketSegments, 0), "no segment": drop(bucketSegments), "seed": flip(bucketWriters, 0),
		"no seed": drop(bucketWriters), "offset": state(0), "bytes": state(1), "alive": state(2),
	} {
		t.Run(name, func(t *testing.T) {
			b := create(t, "b", nil, testOptions(1))
			putNode(t, b, "a", 1)
			putNode(t, b, "b", 2)
			sealed(t, b)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, b.path, change)
			damaged, err := Open(b.path, testOptions(2))
			if err == nil {
				err = errors.Join(damaged.Check(), damaged.Close())
			}
			wantError(t, err, ErrCorrupt)
		})
	}
}

func TestDecodersRefuseWhatIsTooShort(t *testing.T) {
	for _, v := range [][]byte{nil, {1}, make([]byte, 40)} {
		_, err1 := decodeBranch(nil, v)
		_, err2 := decodeSpan(v)
		_, err3 := decodeState(v)
		_, err4 := decodeBlock(v)
		_, err5 := decodeSegmentRecord(v)
		_, err6 := decodeKey(v)
		for i, err := range []error{err1, err2, err3, err4, err5, err6} {
			if !errors.Is(err, errRecord) {
				t.Errorf("decoder %d takes %x: %v", i+1, v, err)
			}
		}
	}
	if _, err := decodeKey(append(make([]byte, 40), `{"writer":"x"}`...)); !errors.Is(err, errRecord) {
		t.Error(err)
	}
	block := appendBlock(nil, [][]byte{[]byte("ab"), []byte("c")}, [32]byte{})
	for i := range block[32:40] {
		bad := append([]byte(nil), block...)
		bad[32+i] = 0xff
		if _, err := decodeBlock(bad); !errors.Is(err, errRecord) {
			t.Errorf("byte %d: %v", 32+i, err)
		}
	}
}

func FuzzDecodeBlock(f *testing.F) {
	f.Add(appendBlock(nil, [][]byte{[]byte("ab"), []byte("c")}, [32]byte{1}))
	f.Fuzz(func(t *testing.T, v []byte) {
		b, err := decodeBlock(v)
		if err != nil {
			return
		}
		for i := range b.count {
			_ = b.line(i)
		}
	})
}

// copyTo writes a copy of a bucket's file as of the last commit.
func copyTo(b *Bucket, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = b.db.View(func(tx *bolt.Tx) error { _, err := tx.WriteTo(f); return err })
	return errors.Join(err, f.Close())
}
