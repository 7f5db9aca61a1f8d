package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// files answers what the remote really holds.
func (f *fleet) files() map[string][]byte {
	all := map[string][]byte{}
	for _, folder := range []string{"", "log", "past", "index", "chunk", path.Dir(replica.ViewFile(bucketName))} {
		for object := range f.base.List(context.Background(), folder) { //nolint:errcheck // a list in memory does not fail
			all[object.Name], _ = f.base.Read(context.Background(), object.Name) // it is there
		}
	}
	return all
}

func (f *fleet) put(name string, data []byte) error {
	return f.base.Write(context.Background(), name, data)
}

func (f *fleet) drop(name string) error { return f.base.Remove(context.Background(), name) }

// snapshot keeps what the remote holds, for an old backup.
func (f *fleet) snapshot() { f.snapshots = append(f.snapshots, f.files()) }

// hideShare takes the share's file away, or puts that of another share in its place.
func (f *fleet) hideShare(n int) error {
	for _, d := range f.devices {
		if d.share == nil || d.share.ID() == "" {
			return nil
		}
	}
	if f.shareGone {
		return nil
	}
	f.shareGone, f.shareFile = true, map[string][]byte{}
	f.counts[ShareGone]++
	for name, data := range f.files() {
		if strings.HasPrefix(name, "share.") {
			f.shareFile[name] = data
			if err := f.drop(name); err != nil {
				return err
			}
		}
	}
	if n%2 == 0 {
		return nil
	}
	return f.put("share."+strangersShare+".json", fmt.Appendf(nil, `{"format":1,"kind":"share","min_reader":1,"share":%q}`, strangersShare))
}

const strangersShare = "00000000000000000000000000000000"

func (f *fleet) showShare() error {
	if !f.shareGone {
		return nil
	}
	f.shareGone = false
	err := f.drop("share." + strangersShare + ".json")
	for name, data := range f.shareFile {
		err = errors.Join(err, f.put(name, data))
	}
	return err
}

// rot spoils the newest index that is there, or one of its chunks.
func (f *fleet) rot(n int) error {
	folder := []string{"index/", "chunk/"}[n%2]
	for _, name := range slices.Backward(f.order) {
		data, err := f.base.Read(context.Background(), name)
		if err != nil || !strings.HasPrefix(name, folder) || len(data) == 0 {
			continue
		}
		f.counts[RottenIndex]++
		f.thinned = true
		f.log("     %s rots", name)
		switch n / 2 % 4 {
		case 0:
			data[n%len(data)] ^= 1 << (n % 8)
		case 1:
			data = data[:n%len(data)]
		case 2:
			data = make([]byte, len(data))
		case 3:
			return f.drop(name)
		}
		return f.put(name, data)
	}
	return nil
}

// lie writes an index that claims all that a device has and holds none of it, once for each level. After a lie, what
// devices say they have is no proof of what was lost, so a history has either lies or devices that are set back.
func (f *fleet) lie(d *device, n int) error {
	coverage, err := d.bucket.Coverage()
	if err != nil || len(coverage) == 0 || f.setBacks > 0 {
		return err
	}
	f.counts[LyingIndex]++
	f.thinned, f.lied = true, true
	for i := range 1 + n%4 {
		var id [16]byte
		_, _ = io.ReadFull(d.random, id[:]) // never fails
		lie := setlog.Index{
			ID: hex.EncodeToString(id[:]), Bucket: bucketName, Births: d.bucket.Births(), Coverage: coverage,
			Order: []string{"-created", "id"}, Level: i,
		}
		name, data, err := lie.Encode(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(200 + i)}, ed25519.SeedSize)))
		if err != nil {
			return err
		}
		if err := f.put("index/"+name.String(), data); err != nil {
			return err
		}
	}
	return nil
}

// plant leaves files that are not ours, or not for us: of a newer version, empty ones, copies under other names.
func (f *fleet) plant(n int) error {
	for _, name := range slices.Backward(f.order) {
		data, err := f.base.Read(context.Background(), name)
		segment, ok := setlog.ParseSegmentName(strings.TrimPrefix(name, "log/"))
		if err != nil || !ok {
			continue
		}
		f.counts[ForeignFiles]++
		switch n % 4 {
		case 0:
			newer := rewrite(data, `"format":1`, `"format":9`, `"min_reader":1`, `"min_reader":9`)
			segment.Hash = setlog.HashOf(newer)
			return f.put("log/"+segment.String(), newer)
		case 1:
			segment.Hash = setlog.HashOf(nil)
			return f.put("log/"+segment.String(), nil)
		case 2:
			return errors.Join(f.put("log/copy-of-a-file.jsonl.gz", data), f.put("index/readme.txt", []byte("a note")))
		}
		segment.Hash = setlog.HashOf(make([]byte, len(data)))
		return f.put("past/"+segment.String(), make([]byte, len(data)))
	}
	return nil
}

// rewrite replaces parts of what a file inflates to.
func rewrite(data []byte, pairs ...string) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return data
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, strings.NewReplacer(pairs...).Replace(string(text))) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}
