package replica

import (
	"errors"
	"fmt"
)

// Errors of a round that need a person.
var (
	// ErrShareMissing: the share's file is gone. The remote is left alone until somebody says what happened.
	ErrShareMissing = errors.New("replica: the share is not where it was")
	// ErrShareOther: another share stands where this one was.
	ErrShareOther = errors.New("replica: another share is there")
	// ErrNotEmpty: a share is not made in a folder that holds other things.
	ErrNotEmpty = errors.New("replica: the folder is not empty and holds no share")
	// ErrNewer: the share asks for a newer program.
	ErrNewer = errors.New("replica: the share needs a newer version")
)

// Problem names one trouble that a round met and went around.
type Problem struct {
	Name    string // fixed word for the kind
	Subject string // bucket or file
	Detail  string
	Hint    string
}

func foreignFiles(names []string) Problem {
	return Problem{
		Name: "foreign-file", Subject: names[0],
		Detail: fmt.Sprintf("%d files in log/ are not SetLogger's, %s first", len(names), names[0]),
		Hint:   "they are left alone; conflict copies of a sync program can be deleted",
	}
}

func brokenFile(name string, err error) Problem {
	return Problem{
		Name: "broken-file", Subject: name, Detail: "the file does not verify: " + err.Error(),
		Hint: "it is tried again; a device that holds it uploads it anew once the broken one is deleted",
	}
}

func newerFile(bucket, name string) Problem {
	return Problem{
		Name: "update-needed", Subject: bucket, Detail: name + " was written by a newer version",
		Hint: "update SetLogger on this device; the file is kept as it is",
	}
}

func otherBirth(bucket string) Problem {
	return Problem{
		Name: "second-birth", Subject: bucket,
		Detail: "another bucket of the same name, made apart from this one, is on the share",
		Hint:   "`setlogger bucket join " + bucket + " --merge` joins the two; or leave this one and make it under another name",
	}
}

func missingEntries(bucket, detail string) Problem {
	return Problem{
		Name: "entries-missing", Subject: bucket, Detail: detail,
		Hint: "the device that wrote them, or any that holds them, uploads them at its next sync",
	}
}

func overstated(bucket, name string) Problem {
	return Problem{
		Name: "index-overstated", Subject: bucket, Detail: indexFolder + "/" + name + " lacks entries that it says it covers",
		Hint: "it is gone around and another is written; update SetLogger on the device that wrote it, and delete the file",
	}
}
