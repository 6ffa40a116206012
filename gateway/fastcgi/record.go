package fastcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of records (specification, section 8).
const (
	typeBegin     = 1
	typeAbort     = 2
	typeEnd       = 3
	typeParams    = 4
	typeStdin     = 5
	typeStdout    = 6
	typeStderr    = 7
	typeData      = 8
	typeGetValues = 9
	typeValues    = 10
	typeUnknown   = 11
)

const (
	roleResponder   = 1
	flagKeep        = 1
	statusComplete  = 0
	statusOverload  = 2
	statusRole      = 3
	version         = 1
	headerSize      = 8
	maxContent      = 65535
	maxVariableName = 1 << 10
)

// ErrProtocol says that what came is not FastCGI.
var ErrProtocol = errors.New("not FastCGI")

// record is a record as it was read; its content is valid until the next one.
type record struct {
	kind    byte
	id      uint16
	content []byte
}

// reader reads records.
type reader struct {
	from io.Reader
	buf  [headerSize + maxContent + 255]byte
}

func (r *reader) next() (record, error) {
	head := r.buf[:headerSize]
	if _, err := io.ReadFull(r.from, head); err != nil {
		return record{}, err
	}
	if head[0] != version {
		return record{}, fmt.Errorf("%w: version %d", ErrProtocol, head[0])
	}
	size, padding := int(binary.BigEndian.Uint16(head[4:])), int(head[6])
	rec := record{kind: head[1], id: binary.BigEndian.Uint16(head[2:])}
	rest := r.buf[headerSize : headerSize+size+padding]
	if _, err := io.ReadFull(r.from, rest); err != nil {
		return record{}, fmt.Errorf("%w: a record ends early: %w", ErrProtocol, err)
	}
	rec.content = rest[:size]
	return rec, nil
}

// appendRecord appends a record; its content must not be longer than
// maxContent. It is padded to eight bytes, as the specification advises.
func appendRecord(b []byte, kind byte, id uint16, content []byte) []byte {
	padding := -len(content) & 7
	b = append(b, version, kind, byte(id>>8), byte(id), byte(len(content)>>8), byte(len(content)), byte(padding), 0)
	b = append(b, content...)
	return append(b, make([]byte, padding)...)
}

// endContent is the content of a record that ends a request.
func endContent(status byte) []byte { return []byte{0, 0, 0, 0, status, 0, 0, 0} }

// variables reads names and values, each after its length in one byte or four.
func variables(p []byte) (map[string]string, error) {
	vars := map[string]string{}
	for len(p) > 0 {
		name, rest, ok := length(p)
		value, rest, whole := length(rest)
		if !ok || !whole || name > maxVariableName || name+value > len(rest) {
			return nil, fmt.Errorf("%w: a variable without an end", ErrProtocol)
		}
		vars[string(rest[:name])] = string(rest[name : name+value])
		p = rest[name+value:]
	}
	return vars, nil
}

func length(p []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(p) == 0:
		return 0, nil, false
	case p[0] < 0x80:
		return int(p[0]), p[1:], true
	case len(p) < 4:
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint32(p) & 0x7fffffff), p[4:], true
}

// appendVariable appends a short name and value.
func appendVariable(b []byte, name, value string) []byte {
	b = append(b, byte(len(name)), byte(len(value)))
	return append(append(b, name...), value...)
}
