package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxRecord bounds one line of a file to import, in bytes: an action may have 1 MiB.
const maxRecord = 1 << 20

// records turns the records of a file into lines of CREATE_NODE actions, one a record.
type records struct {
	idField string
	out     *bufio.Writer
	count   uint64 // records taken so far, blank lines of NDJSON included
	line    []byte
}

// convert reads a whole file of the form its name ends in: .json is an array of objects, .csv has its field names in
// the first line, all else is NDJSON.
func convert(name string, in io.Reader, idField string, out io.Writer) error {
	r := &records{idField: idField, out: bufio.NewWriterSize(out, 256<<10)}
	var err error
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		err = r.array(in)
	case ".csv":
		err = r.csv(in)
	default:
		err = r.lines(in)
	}
	if err != nil {
		return errors.Join(r.out.Flush(), fmt.Errorf("record %d of %s: %w", r.count, name, err))
	}
	return r.out.Flush()
}

func (r *records) lines(in io.Reader) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 64<<10), maxRecord)
	for scanner.Scan() {
		if err := r.add(scanner.Bytes()); err != nil {
			return err
		}
	}
	r.count++
	return scanner.Err()
}

func (r *records) array(in io.Reader) error {
	decoder := jsontext.NewDecoder(in)
	first, err := decoder.ReadToken()
	if err != nil {
		return err
	}
	if first.Kind() != '[' {
		return errors.New("the file is not a JSON array; name a file of one object a line .ndjson")
	}
	for decoder.PeekKind() != ']' {
		value, err := decoder.ReadValue()
		if err != nil {
			r.count++
			return err
		}
		if err := r.add(bytes.ReplaceAll(value, []byte("\n"), []byte(" "))); err != nil {
			return err
		}
	}
	_, err = decoder.ReadToken()
	return err
}

func (r *records) csv(in io.Reader) error {
	reader := csv.NewReader(in)
	names, err := reader.Read()
	if err != nil {
		return err
	}
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	for {
		values, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			r.count++
			return err
		}
		object := []byte{'{'}
		for i, name := range names {
			if i > 0 {
				object = append(object, ',')
			}
			if object, err = jsontext.AppendQuote(object, name); err == nil {
				object, err = jsontext.AppendQuote(append(object, ':'), values[i])
			}
			if err != nil {
				r.count++
				return fmt.Errorf("field %s: %w", name, err)
			}
		}
		if err := r.add(append(object, '}')); err != nil {
			return err
		}
	}
}

// add writes the action of one record, an object on one line.
func (r *records) add(object []byte) error {
	r.count++
	if len(bytes.TrimSpace(object)) == 0 {
		return r.out.WriteByte('\n')
	}
	id, properties, err := r.split(object)
	if err != nil {
		return err
	}
	r.line = append(r.line[:0], `{"type":"CREATE_NODE","id":`...)
	r.line = append(append(r.line, id...), `,"properties":`...)
	r.line = append(append(r.line, properties...), '}', '\n')
	_, err = r.out.Write(r.line)
	return err
}

// split takes the id member out of an object. A number becomes its decimal string.
func (r *records) split(object []byte) (id, properties []byte, err error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(object))
	if first, err := decoder.ReadToken(); err != nil || first.Kind() != '{' {
		return nil, nil, errors.Join(errors.New("not a JSON object"), err)
	}
	properties = append(make([]byte, 0, len(object)), '{')
	for decoder.PeekKind() != '}' {
		name, err := decoder.ReadValue()
		if err != nil {
			return nil, nil, err
		}
		field, err := jsontext.AppendUnquote(nil, name)
		if err != nil {
			return nil, nil, err
		}
		name = bytes.Clone(name)
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, nil, err
		}
		if string(field) == r.idField {
			if id, err = idOf(value); err != nil {
				return nil, nil, err
			}
			continue
		}
		if len(properties) > 1 {
			properties = append(properties, ',')
		}
		properties = append(append(append(properties, name...), ':'), value...)
	}
	if id == nil {
		return nil, nil, fmt.Errorf("no member %q to take the id from; name another with --id FIELD", r.idField)
	}
	return id, append(properties, '}'), nil
}

// idOf makes the JSON string of an id.
func idOf(value jsontext.Value) ([]byte, error) {
	switch value.Kind() {
	case '"':
		return bytes.Clone(value), nil
	case '0':
		number := value.Clone()
		if err := number.Canonicalize(); err != nil {
			return nil, err
		}
		return append(append([]byte{'"'}, number...), '"'), nil
	}
	return nil, fmt.Errorf("the id is %s, not a string or a number", value)
}
