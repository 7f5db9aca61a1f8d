package judge

import (
	"encoding/base64"
	"slices"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// identity is a case of how things are named: a key's writer, a bucket's id, and the chain over lines; or writers in order.
type identity struct {
	Key, Writer, Bucket, BucketID string
	Lines, Chains                 []string
	Sorted                        []string
}

func (i identity) check(t *testing.T) {
	if i.Sorted != nil {
		i.checkOrder(t)
		return
	}
	if i.Key != "" {
		key, err := base64.StdEncoding.DecodeString(i.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := setlog.WriterOf(key).String(); got != i.Writer {
			t.Errorf("the writer is %s, want %s", got, i.Writer)
		}
	}
	if got := setlog.BucketID(i.Bucket); i.BucketID != "" && got != i.BucketID {
		t.Errorf("the bucket's id is %s, want %s", got, i.BucketID)
	}
	if len(i.Chains) == 0 {
		return
	}
	if len(i.Chains) != len(i.Lines)+1 {
		t.Fatalf("%d chains for %d lines", len(i.Chains), len(i.Lines))
	}
	chain := setlog.FirstChain(i.Bucket, writerOf(t, i.Writer))
	for n, want := range i.Chains {
		if n > 0 {
			chain = chain.Next([]byte(i.Lines[n-1]))
		}
		if chain.String() != want {
			t.Errorf("the chain after entry %d is %s, want %s", n, chain, want)
		}
	}
}

func (i identity) checkOrder(t *testing.T) {
	var marks []setlog.Mark
	for _, name := range i.Sorted {
		marks = append(marks, setlog.Mark{Stamp: 1, Writer: writerOf(t, name)})
	}
	if !slices.IsSortedFunc(marks, setlog.Mark.Compare) {
		t.Errorf("writers sort otherwise: %v", i.Sorted)
	}
}
