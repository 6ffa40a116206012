package wrappers

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math"
	"net/textproto"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/formdata"
)

// Part is one part of a multipart form while it is being read: a field or a file. It is an
// [io.Reader] of its content, valid until the next part is read.
type Part struct {
	// Field is the name of the form's field.
	Field string
	// FileName is the client's name for the file, unchanged: it may be empty, a
	// path, or hostile. It has no meaning if IsFile is false.
	FileName string
	// IsFile distinguishes a file, even one without a name, from a text field.
	IsFile bool
	// Header holds all header fields of the part.
	Header textproto.MIMEHeader

	from *partReader
	rest []byte // the unread rest of the last scanned bytes
	size int64  // how many bytes were scanned
	err  error  // how the part ended; io.EOF at its end
}

// MediaType returns the media type of the part in lower case and without its
// parameters, "" if it is not declared.
func (p *Part) MediaType() string { return mediaType(p.Header.Get("Content-Type")) }

// Read reads the part's content, within the limits.
func (p *Part) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		p.scan()
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// WriteTo writes the rest of the part's content to w without copying it first.
func (p *Part) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		if len(p.rest) > 0 {
			n, err := w.Write(p.rest)
			total += int64(n)
			p.rest = p.rest[n:]
			if err != nil {
				return total, err
			}
		}
		switch p.err {
		case nil:
			p.scan()
		case io.EOF:
			return total, nil
		default:
			return total, p.err
		}
	}
}

// scan puts the next bytes of the part into rest, or the error with which it ended into err, or
// both.
func (p *Part) scan() {
	data, kind, err := p.from.scanner.Next()
	p.size += int64(len(data))
	switch {
	case err != nil:
		p.err = p.from.fail(err)
	case p.IsFile && p.size > p.from.limits.file():
		p.err = p.from.fail(tooLarge("The file of the field %q exceeds the limit of %d bytes.", p.Field, p.from.limits.file()))
	case kind != formdata.NoBound:
		p.rest, p.err = data, io.EOF
		p.from.last = kind == formdata.LastBound
	default:
		p.rest = data
	}
}

// close ends the reading of the part: its bytes are about to be overwritten.
func (p *Part) close() { p.rest, p.err = nil, errPartOver }

var errPartOver = errors.New("a part of a multipart form is readable until the next is asked for")

// partReader reads a multipart body part by part, within the limits.
type partReader struct {
	scanner *formdata.Scanner
	limits  *Limits
	part    *Part // the part that is being read
	last    bool  // the delimiter after it was the last
	parts   int64
	files   int64
	err     error
}

func newPartReader(src io.Reader, boundary string, limits *Limits) *partReader {
	r := &partReader{scanner: formdata.NewScanner(src, boundary), limits: limits}
	// The bytes before the first delimiter are a part that is skipped.
	r.part = &Part{from: r}
	r.scanner.Fresh = true
	return r
}

// next returns the next part, and io.EOF after the last.
func (r *partReader) next() (*Part, error) {
	for r.err == nil && r.part.err == nil {
		r.part.scan()
	}
	r.part.close()
	if r.err != nil {
		return nil, r.err
	}
	if r.last {
		return nil, io.EOF
	}
	p := &Part{from: r}
	r.part = p
	if err := r.readHeader(p); err != nil {
		return nil, r.fail(err)
	}
	if r.parts++; r.parts > r.limits.parts() {
		return nil, r.fail(tooLarge("The form has more than %d parts.", r.limits.parts()))
	}
	if p.IsFile {
		if r.files++; r.files > r.limits.files() {
			return nil, r.fail(tooLarge("The form has more than %d files.", r.limits.files()))
		}
	}
	return p, nil
}

// release frees the memory for reading.
func (r *partReader) release() {
	r.part.close()
	r.scanner.Release()
}

// fail ends the reading with an error that answers the request.
func (r *partReader) fail(err error) error {
	if err == io.ErrUnexpectedEOF {
		if r.scanner.Total() == 0 {
			r.last = true // there is no body at all, though its length was not declared
			return io.EOF
		}
		err = &httperror.Error{
			Code:        httperror.BadRequest,
			Description: "The multipart form ends before its last boundary.",
			Err:         io.ErrUnexpectedEOF,
		}
	} else if err == io.ErrNoProgress {
		err = readError(err)
	}
	r.err = err
	return err
}

func (r *partReader) readHeader(p *Part) error {
	left := int(min(r.limits.partHeader(), math.MaxInt32))
	p.Header = make(textproto.MIMEHeader, 2)
	name, value := "", []byte(nil)
	flush := func() {
		if name != "" {
			p.Header[name] = append(p.Header[name], string(bytes.TrimSpace(value)))
		}
	}
	for {
		line, err := r.scanner.Line(left)
		if err == formdata.ErrFull {
			return tooLarge("The header of a part exceeds the limit of %d bytes.", r.limits.partHeader())
		}
		if err != nil {
			return err
		}
		left -= len(line)
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			value = append(append(value, ' '), bytes.TrimSpace(line)...)
			continue
		}
		flush()
		key, rest, found := bytes.Cut(line, []byte(":"))
		name = ""
		if found {
			name = textproto.CanonicalMIMEHeaderKey(string(bytes.TrimSpace(key)))
			value = append(value[:0], rest...)
		}
	}
	flush()
	r.scanner.Fresh = true
	disposition := datastructures.ParseOptions(p.Header.Get("Content-Disposition"))
	field, named := disposition.Lookup("name")
	if !named {
		return malformed("A part of the multipart form has no Content-Disposition with a name.")
	}
	p.Field = field
	p.FileName, p.IsFile = disposition.Lookup("filename")
	return nil
}

// Parts ranges over the parts of a multipart form as they arrive, for uploads that are not kept in
// memory or on disk:
//
//	for part, err := range req.Parts() {
//		if err != nil {
//			return nil, err
//		}
//		if part.IsFile { io.Copy(dst, part) }
//	}
//
// The rest of a part that is not read is skipped. The limits apply, except for FormMemory, since
// the caller decides what to keep. After that the body has been read, and the form is empty. An
// error ends the sequence, and answers the request: 415 if the body is not a multipart form.
func (req *Request) Parts() iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		r, err := req.openParts()
		if err != nil {
			yield(nil, err)
			return
		}
		if r == nil {
			return
		}
		defer r.release()
		for {
			p, err := r.next()
			if err == io.EOF || !yield(p, err) || err != nil {
				return
			}
		}
	}
}
