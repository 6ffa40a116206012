package wrappers

import "strings"

// The media types of the constructors.
const (
	typeText = "text/plain; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
	typeJSON = "application/json"
)

// defaultType is that of a body that nobody gave one: nothing is guessed from
// what is in it.
var defaultType = []string{typeText}

// ContentType returns the media type of the body with its parameters.
func (resp *Response) ContentType() string {
	if resp.header == nil {
		return resp.contentType[0]
	}
	return first(resp.header, "Content-Type")
}

// SetContentType sets the media type, as [NewResponse] does; "" removes it, and
// a body is then sent as plain text.
func (resp *Response) SetContentType(contentType string) error {
	if contentType == "" {
		delete(resp.Header(), "Content-Type")
		return nil
	}
	return resp.Set("Content-Type", withCharset(contentType))
}

// withCharset adds the charset that Go's strings have to a media type that is
// text and names none.
func withCharset(contentType string) string {
	if strings.Contains(contentType, ";") {
		return contentType
	}
	switch essence := strings.ToLower(strings.TrimSpace(contentType)); {
	case strings.HasPrefix(essence, "text/"), strings.HasSuffix(essence, "+xml"):
	case essence == "application/javascript", essence == "application/ecmascript", essence == "application/sql",
		essence == "application/xml", essence == "application/xml-dtd",
		essence == "application/xml-external-parsed-entity":
	default:
		return contentType
	}
	return contentType + "; charset=utf-8"
}
