package wrappers

import (
	"io"
	"strings"
	"unicode/utf8"
)

// formReader makes fields and files from a multipart body.
type formReader struct {
	settings *Settings
	content  *content
	parts    *partReader
	memory   int64 // the rest of Limits.FormMemory
	share    int64 // the rest of FileMemory
	fields   []textField
}

// textField is a field before its charset is known: a later field may name it.
type textField struct{ name, value, charset string }

func (req *Request) readMultipart(c *content, settings *Settings) error {
	parts, err := req.openParts()
	if err != nil {
		return err
	}
	defer parts.release()
	r := &formReader{
		settings: settings, content: c, parts: parts,
		memory: settings.Limits.formMemory(), share: settings.fileMemory(),
	}
	for {
		p, err := parts.next()
		if err == io.EOF {
			r.decode()
			return nil
		}
		if err != nil {
			return err
		}
		if p.IsFile {
			err = r.file(p)
		} else {
			err = r.field(p)
		}
		if err != nil {
			return err
		}
	}
}

// field reads a text field.
func (r *formReader) field(p *Part) error {
	var value []byte
	var text string
	r.memory -= int64(len(p.Field))
	for {
		r.memory -= int64(len(p.rest))
		if r.memory < 0 {
			return tooLarge("The fields of the form exceed the limit of %d bytes.", r.settings.Limits.formMemory())
		}
		if p.err == io.EOF && value == nil {
			text = string(p.rest)
			break
		}
		value = append(value, p.rest...)
		p.rest = nil
		if p.err == io.EOF {
			text = string(value)
			break
		}
		if p.err != nil {
			return p.err
		}
		p.scan()
	}
	charset := ""
	if p.Header.Get("Content-Type") != "" {
		charset = contentType(p.Header.Get("Content-Type")).Get("charset")
	}
	r.fields = append(r.fields, textField{p.Field, text, charset})
	return nil
}

// file reads a file into its sink.
func (r *formReader) file(p *Part) error {
	file := &UploadedFile{Field: p.Field, Name: p.FileName, Header: p.Header, opened: &r.content.form.opened}
	if r.settings.Sink != nil {
		w, err := r.settings.Sink(p)
		if err != nil {
			return err
		}
		file.sink = w
	}
	w := file.sink
	if w == nil {
		w = &spool{file: file, share: &r.share, keep: r.content.keepTemporary}
	}
	_, err := p.WriteTo(w)
	if closed := closeSink(w, err); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	file.Size = p.size
	r.content.form.files.Add(p.Field, file)
	return nil
}

// decode converts the fields to strings, and the names too if they are in the charset of the form.
func (r *formReader) decode() {
	standard := ""
	for _, t := range r.fields {
		if t.name == charsetField {
			standard = strings.TrimSpace(t.value)
		}
	}
	text := func(s, charset string) string {
		if charset == "" {
			charset = standard
		}
		if known, ok := r.settings.encoding(charset); ok && known != nil {
			return decodeText(known, []byte(s))
		}
		return s
	}
	name := func(s string) string {
		if utf8.ValidString(s) {
			return s
		}
		return text(s, "")
	}
	for _, t := range r.fields {
		r.content.form.fields.Add(name(t.name), text(t.value, t.charset))
	}
	if standard == "" {
		return
	}
	files := new(Files)
	for _, file := range r.content.form.files.All() {
		file.Field, file.Name = name(file.Field), name(file.Name)
		files.Add(file.Field, file)
	}
	r.content.form.files = files
}
