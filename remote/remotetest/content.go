package remotetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
)

func testEmpty(t *testing.T, s remote.Storage) {
	wantNames(t, s, "")
	wantNames(t, s, "log")
	wantNames(t, s, "log/deep/er")
}

func testSizes(t *testing.T, s remote.Storage) {
	for i, size := range []int{0, 1, 2, 4095, 1 << 20, 1<<20 + 1, 9 << 20} {
		name := fmt.Sprintf("log/size-%d", size)
		data := Bytes(size, uint64(i))
		write(t, s, name, data)
		wantRead(t, s, name, data)
	}
	for _, o := range objects(t, s, "log") {
		if want := strings.TrimPrefix(o.Name, "log/size-"); o.Size != -1 && want != fmt.Sprint(o.Size) {
			t.Errorf("%s is listed with %d B", o.Name, o.Size)
		}
	}
}

// testOverwrite: the same name and bytes again is a success; other bytes under the name replace it whole, as views do.
func testOverwrite(t *testing.T, s remote.Storage) {
	data := Bytes(1000, 1)
	for range 3 {
		write(t, s, "log/same", data)
		wantRead(t, s, "log/same", data)
	}
	for _, other := range [][]byte{Bytes(2000, 2), Bytes(10, 3), {}} {
		write(t, s, "log/same", other)
		wantRead(t, s, "log/same", other)
	}
	wantNames(t, s, "log", "log/same")
}

func testFolders(t *testing.T, s remote.Storage) {
	for _, name := range []string{"share.a.json", "log/a", "log/b", "log2/c", "view/bucket/page-1", "view/bucket/more/page-2", "view/d"} {
		write(t, s, name, []byte(name))
	}
	wantNames(t, s, "", "share.a.json")
	wantNames(t, s, "log", "log/a", "log/b")
	wantNames(t, s, "lo")
	wantNames(t, s, "log2", "log2/c")
	wantNames(t, s, "view", "view/d")
	wantNames(t, s, "view/bucket", "view/bucket/page-1")
	wantRead(t, s, "view/bucket/more/page-2", []byte("view/bucket/more/page-2"))
}

// testLongNames uses the longest names of the share's layout and a bit more.
func testLongNames(t *testing.T, s remote.Storage) {
	name := "log/" + strings.Repeat("a2b3c4d5", 13) + ".1-1000000.jsonl.gz"
	write(t, s, name, []byte("x"))
	write(t, s, "log/a-b.c--d..e.0", []byte("y"))
	wantNames(t, s, "log", name, "log/a-b.c--d..e.0")
	wantRead(t, s, name, []byte("x"))
}

func testBadNames(t *testing.T, s remote.Storage) {
	ctx := context.Background()
	for _, name := range []string{"", "/", "/abs", "a/", "a//b", ".", "..", "../a", "a/../../b", ".hidden", "Upper", "a b", "a_b", "ü", "a\\b", "c:a", strings.Repeat("a", 256)} {
		_, readErr := s.Read(ctx, name)
		for verb, err := range map[string]error{"Read": readErr, "Write": s.Write(ctx, name, []byte("x")), "Remove": s.Remove(ctx, name)} {
			if !errors.Is(err, remote.ErrName) {
				t.Errorf("%s(%q) = %v, want ErrName", verb, name, err)
			}
		}
		if err := listError(ctx, s, name); name != "" && !errors.Is(err, remote.ErrName) {
			t.Errorf("List(%q) = %v, want ErrName", name, err)
		}
	}
	wantNames(t, s, "")
}

func testAbsent(t *testing.T, s remote.Storage) {
	write(t, s, "log/there", []byte("x"))
	for _, name := range []string{"absent", "log/absent", "no/such/folder/absent", "log"} {
		if _, err := s.Read(context.Background(), name); !errors.Is(err, remote.ErrNotExist) {
			t.Errorf("Read(%q) = %v, want ErrNotExist", name, err)
		}
	}
}

func testRemoveTwice(t *testing.T, s remote.Storage) {
	ctx := context.Background()
	write(t, s, "log/a", []byte("x"))
	write(t, s, "log/b", []byte("y"))
	for _, name := range []string{"log/a", "log/a", "log/never", "no/such/folder/never"} {
		if err := s.Remove(ctx, name); err != nil {
			t.Errorf("Remove(%q): %v", name, err)
		}
	}
	wantNames(t, s, "log", "log/b")
	write(t, s, "log/a", []byte("again"))
	wantRead(t, s, "log/a", []byte("again"))
}

func testTooLarge(t *testing.T, s remote.Storage) {
	if err := s.Write(context.Background(), "log/large", make([]byte, remote.MaxFile+1)); !errors.Is(err, remote.ErrTooLarge) {
		t.Errorf("Write of MaxFile+1 bytes = %v, want ErrTooLarge", err)
	}
	wantNames(t, s, "log")
}

func listError(ctx context.Context, s remote.Storage, folder string) error {
	for _, err := range s.List(ctx, folder) {
		if err != nil {
			return err
		}
	}
	return nil
}
