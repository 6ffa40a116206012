package fastcgi

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/zeugkit/zeug/gateway/internal/exchange"
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

// errProtocol says that the input is not FastCGI.
var errProtocol = errors.New("not FastCGI")

// record is the header of a record.
type record struct {
	kind          byte
	id            uint16
	size, padding int
}

// reader reads records: the header of each, and then its content, with content
// or skip, or from the buffer itself.
type reader struct {
	*bufio.Reader
	long []byte // for content that the buffer does not hold
}

func newReader(from io.Reader) *reader { return &reader{Reader: bufio.NewReaderSize(from, 4<<10)} }

func (r *reader) head() (record, error) {
	head, err := r.Peek(headerSize)
	if err != nil {
		return record{}, err
	}
	if head[0] != version {
		return record{}, fmt.Errorf("%w: version %d", errProtocol, head[0])
	}
	rec := record{
		kind: head[1], id: binary.BigEndian.Uint16(head[2:]),
		size: int(binary.BigEndian.Uint16(head[4:])), padding: int(head[6]),
	}
	_, err = r.Discard(headerSize)
	return rec, err
}

// content reads the content of a record; it is valid until the next record is
// read.
func (r *reader) content(rec record) ([]byte, error) {
	if rec.size+rec.padding <= r.Size() {
		whole, err := r.Peek(rec.size + rec.padding)
		if err != nil {
			return nil, early(err)
		}
		_, err = r.Discard(len(whole))
		return whole[:rec.size], err
	}
	if cap(r.long) < rec.size {
		r.long = make([]byte, rec.size)
	}
	if _, err := io.ReadFull(r, r.long[:rec.size]); err != nil {
		return nil, early(err)
	}
	return r.long[:rec.size], r.skip(rec.padding)
}

// skip reads over n bytes.
func (r *reader) skip(n int) error {
	if _, err := r.Discard(n); err != nil {
		return early(err)
	}
	return nil
}

// early is what happens when the peer leaves.
func early(err error) error { return fmt.Errorf("a record ends early: %w", err) }

// appendRecord appends a record; its content must not be longer than
// maxContent. It is padded to eight bytes, as the specification advises.
func appendRecord(b []byte, kind byte, id uint16, content []byte) []byte {
	b = append(appendHead(b, kind, id, len(content)), content...)
	return append(b, zeros[:padding(len(content))]...)
}

func appendHead(b []byte, kind byte, id uint16, size int) []byte {
	return append(b, version, kind, byte(id>>8), byte(id), byte(size>>8), byte(size), byte(padding(size)), 0)
}

func padding(size int) int { return -size & 7 }

var zeros [8]byte

// endContent is the content of a record that ends a request.
func endContent(status byte) []byte { return []byte{0, 0, 0, 0, status, 0, 0, 0} }

// variables reads names and values; the length of each comes first, in one byte
// or four.
func variables(p string) (map[string]string, error) {
	vars := make(map[string]string, 28)
	for len(p) > 0 {
		name, rest, ok := length(p)
		value, rest, whole := length(rest)
		if !ok || !whole || name > maxVariableName || name+value > len(rest) {
			return nil, fmt.Errorf("%w: a variable without an end", errProtocol)
		}
		exchange.AddVariable(vars, rest[:name], rest[name:name+value])
		p = rest[name+value:]
	}
	return vars, nil
}

func length(p string) (n int, rest string, ok bool) {
	switch {
	case len(p) == 0:
		return 0, "", false
	case p[0] < 0x80:
		return int(p[0]), p[1:], true
	case len(p) < 4:
		return 0, "", false
	}
	return int(p[0]&0x7f)<<24 | int(p[1])<<16 | int(p[2])<<8 | int(p[3]), p[4:], true
}

// appendVariable appends a short name and value.
func appendVariable(b []byte, name, value string) []byte {
	b = append(b, byte(len(name)), byte(len(value)))
	return append(append(b, name...), value...)
}
