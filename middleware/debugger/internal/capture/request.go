package capture

import (
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
)

// Field is a name with its value, as a row of a table.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RequestFacts is what the page shows about the request. Values of secrets are
// masked, see [Settings].
type RequestFacts struct {
	Method string `json:"method"`
	// URL is the absolute URL, as the client sees it.
	URL      string `json:"url"`
	Protocol string `json:"protocol"`
	Client   string `json:"client"`
	// Host and RootPath are those of the request's origin.
	Host     string  `json:"host"`
	RootPath string  `json:"root_path,omitempty"`
	Query    []Field `json:"query,omitempty"`
	// Headers and Cookies are those that the client sent, even if middlewares have changed them
	// since.
	Headers []Field `json:"headers,omitempty"`
	Cookies []Field `json:"cookies,omitempty"`
	// Form holds the body's fields, and Files the names of uploads, if the
	// application had parsed them: the debugger never reads a body.
	Form  []Field `json:"form,omitempty"`
	Files []Field `json:"files,omitempty"`
	// FormParsed reports whether Form could be read.
	FormParsed bool `json:"form_parsed"`
}

// Masked stands for a secret.
const Masked = secret.Dots

// MaxField is how many bytes of one value are shown, and MaxFields is how many
// fields of one table.
const (
	MaxField  = dump.MaxField
	MaxFields = 500
)

// SentBy copies a request's header. When a failure is shown, another goroutine of the application
// may write to the map, and reading it would end the process. A middleware may also have removed
// the fields of a proxy that identify the client.
func SentBy(r *http.Request) Sent {
	list := make(Sent, 0, len(r.Header))
	for name, values := range r.Header {
		for _, value := range values {
			list = append(list, Field{name, value})
		}
	}
	return list
}

// Sent is the header of a request as the client sent it.
type Sent []Field

// Untouched returns r with this header, in a separate map.
func (s Sent) Untouched(r *http.Request) *http.Request {
	u := *r
	u.Header = make(http.Header, len(s))
	for _, f := range s {
		u.Header[f.Name] = append(u.Header[f.Name], f.Value)
	}
	return &u
}

// facts collects the facts about r that are shown. In its URL the given values are masked.
func facts(r *http.Request, is func(string) bool, secrets []string) RequestFacts {
	o := gateway.OriginOf(r)
	f := RequestFacts{
		Method:   r.Method,
		Protocol: r.Proto,
		Client:   r.RemoteAddr,
		Host:     o.Host,
		RootPath: o.RootPath,
	}
	mask := func(name, value string) string {
		if value != "" && is(name) {
			return Masked
		}
		return dump.Cut(secret.Text(value, Masked, is), MaxField)
	}
	parameter := func(name string) bool { return is(name) || strings.EqualFold(name, "code") }
	maskParameter := func(name, value string) string {
		if value != "" && parameter(name) {
			return Masked
		}
		return mask(name, value)
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescaped(name)
		f.Query = append(f.Query, Field{name, maskParameter(name, unescaped(value))})
	}
	path := r.URL.EscapedPath()
	for _, s := range secrets {
		path = strings.ReplaceAll(path, url.PathEscape(s), Masked)
		path = strings.ReplaceAll(path, (&url.URL{Path: s}).EscapedPath(), Masked)
	}
	f.URL = o.Scheme + "://" + o.Host + o.RootPath + path
	if len(f.Query) > 0 {
		f.URL += "?" + secret.Query(r.URL.RawQuery, Masked, parameter)
	}
	f.URL = dump.Cut(f.URL, MaxField)
	for name, values := range r.Header {
		if name == "Cookie" {
			continue
		}
		for _, value := range values {
			if before, query, ok := strings.Cut(value, "?"); ok && name == "Referer" {
				value = before + "?" + secret.Query(query, Masked, parameter)
			}
			f.Headers = append(f.Headers, Field{dump.Cut(name, MaxField), mask(name, value)})
		}
	}
	byName(f.Headers)
	for _, cookie := range r.Cookies() {
		f.Cookies = append(f.Cookies, Field{cookie.Name, mask(cookie.Name, cookie.Value)})
	}
	f.Query, f.Headers, f.Cookies = some(f.Query), some(f.Headers), some(f.Cookies)
	if f.FormParsed = r.PostForm != nil; f.FormParsed {
		f.Form = fields(r.PostForm, maskParameter)
	}
	m := r.MultipartForm
	if form, ok := r.Body.(interface{ ParsedForm() *multipart.Form }); ok && m == nil {
		m = form.ParsedForm() // a view has read it
	}
	if m != nil {
		f.FormParsed = true
		if len(f.Form) == 0 {
			f.Form = fields(m.Value, maskParameter)
		}
		for name, files := range m.File {
			for _, file := range files {
				f.Files = append(f.Files, Field{dump.Cut(name, MaxField), fmt.Sprintf("%s (%d bytes)", dump.Cut(file.Filename, MaxField), file.Size)})
			}
		}
		byName(f.Files)
	}
	f.Form, f.Files = some(f.Form), some(f.Files)
	return f
}

// some cuts a list to MaxFields, with a note about the rest.
func some(list []Field) []Field {
	if len(list) <= MaxFields {
		return list
	}
	return append(list[:MaxFields:MaxFields], Field{"…", strconv.Itoa(len(list)-MaxFields) + " more"})
}

func fields(values map[string][]string, mask func(string, string) string) []Field {
	var list []Field
	for name, all := range values {
		for _, value := range all {
			list = append(list, Field{dump.Cut(name, MaxField), mask(name, value)})
		}
	}
	byName(list)
	return list
}

func byName(list []Field) {
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
}

func unescaped(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}
