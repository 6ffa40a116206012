package wrappers

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/zeugkit/zeug/internal/percent"
)

// A multipart form is read once, into fields and files, and its bytes are not kept. A handler of
// net/http that reads the Body later gets the form written again, with the client's boundary, so
// that FormValue, FormFile and ParseMultipartForm find in it what they would have found before:
//
//	fields a=1, file f of 5 bytes, boundary B:
//
//	--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n
//	--B\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n
//	--B--\r\n
//
// Nothing is written unless somebody reads, and then from where the files are: in memory, in
// temporary files, or in the form that another handler parsed. The order between fields and files
// is lost; net/http does not keep it either.

// body returns the form as a multipart body. Files that a sink took are not part of it.
func (f *formState) body() io.Reader {
	start := "--" + f.boundary + "\r\nContent-Disposition: form-data; name=\""
	var parts []io.Reader
	for name, value := range f.fields.All() {
		parts = append(parts, strings.NewReader(start+quoted(name)+"\"\r\n\r\n"+value+"\r\n"))
	}
	for name, file := range f.files.All() {
		if file.sink != nil {
			continue
		}
		head := start + quoted(name) + "\"; filename=\"" + quoted(file.Name) + "\"\r\n" + otherFields(file.Header) + "\r\n"
		parts = append(parts, strings.NewReader(head), &lateFile{file: file}, strings.NewReader("\r\n"))
	}
	parts = append(parts, strings.NewReader("--"+f.boundary+"--\r\n"))
	return io.MultiReader(parts...)
}

// quoted writes a name for a quoted string as browsers do: control characters, which would end the
// line, in percent-encoding.
func quoted(name string) string {
	var b []byte
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = percent.AppendByte(b, c)
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// otherFields writes the fields of a part's header but Content-Disposition. Our reader is more
// lenient than net/http's: fields that would make net/http refuse the form are left out.
func otherFields(header textproto.MIMEHeader) string {
	var b bytes.Buffer
	for name, values := range header {
		if name == "Content-Disposition" || !httpguts.ValidHeaderFieldName(name) {
			continue
		}
		for _, value := range values {
			if httpguts.ValidHeaderFieldValue(value) {
				b.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	return b.String()
}

// lateFile is a file that is opened by the first Read and closed at its end, so that a form of a
// thousand files has one open at a time.
type lateFile struct {
	file *UploadedFile
	open multipart.File
}

func (l *lateFile) Read(p []byte) (int, error) {
	if l.open == nil {
		var err error
		if l.open, err = l.file.Open(); err != nil { // the request closes it if nobody reads to its end
			return 0, err
		}
	}
	n, err := l.open.Read(p)
	if err == io.EOF {
		l.open.Close()
	}
	return n, err
}

// ParsedForm describes the form that was read from the body, nil if none was. The debugger shows it.
// The files have a name, a header and a size, but cannot be opened.
func (b *content) ParsedForm() *multipart.Form {
	f := &b.form
	if f.boundary == "" || f.fields == nil {
		return nil
	}
	form := &multipart.Form{Value: urlValues(f.fields), File: map[string][]*multipart.FileHeader{}}
	for name, file := range f.files.All() {
		form.File[name] = append(form.File[name], &multipart.FileHeader{Filename: file.Name, Header: file.Header, Size: file.Size})
	}
	return form
}
