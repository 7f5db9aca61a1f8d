package localstore

import (
	"encoding/json"
	"os"
)

// identity tells one file on one machine from its copies. What a system does not tell is empty and never differs.
type identity struct {
	Machine string `json:"machine,omitempty"`
	File    uint64 `json:"file,omitempty"` // inode
	Born    int64  `json:"born,omitempty"` // nanoseconds since 1970
}

func identify(path string, o Options) (identity, error) {
	id := identity{Machine: o.machine}
	if id.Machine == "" {
		id.Machine = machineID()
	}
	info, err := os.Stat(path)
	if err != nil {
		return id, err
	}
	id.File, id.Born = fileIdentity(path, info)
	return id, nil
}

func (id identity) encode() []byte {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err) // two numbers and a string always encode
	}
	return b
}

// sameAs tells whether nothing says that id and stored are two files.
func (id identity) sameAs(stored []byte) bool {
	var was identity
	if json.Unmarshal(stored, &was) != nil {
		return false
	}
	differ := func(a, b any, empty any) bool { return a != b && a != empty && b != empty }
	return !differ(id.Machine, was.Machine, "") && !differ(id.File, was.File, uint64(0)) && !differ(id.Born, was.Born, int64(0))
}
