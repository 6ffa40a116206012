package debugger

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// Field is a name with its value, as a table shows it.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RequestFacts is what the page shows of the request. Values that look like
// secrets are masked, see [Debugger.Secret].
type RequestFacts struct {
	Method string `json:"method"`
	// URL is the absolute one, as the client sees it.
	URL      string `json:"url"`
	Protocol string `json:"protocol"`
	Client   string `json:"client"`
	// Host and RootPath are those of the request's origin.
	Host     string  `json:"host"`
	RootPath string  `json:"root_path,omitempty"`
	Query    []Field `json:"query,omitempty"`
	// Headers and Cookies are those that the client sent, whatever middlewares
	// have made of them since.
	Headers []Field `json:"headers,omitempty"`
	Cookies []Field `json:"cookies,omitempty"`
	// Form holds the body's fields, and Files the names of uploads, if the
	// application had parsed them: the debugger never reads a body.
	Form  []Field `json:"form,omitempty"`
	Files []Field `json:"files,omitempty"`
	// FormParsed says whether Form was to be had.
	FormParsed bool `json:"form_parsed"`
}

// masked stands for a secret.
const masked = "••••••••"

// maxField is how much of one value is shown, in bytes, and maxFields of how
// many fields of one table.
const (
	maxField  = 8 << 10
	maxFields = 500
)

// secretName finds names whose values are masked: not those of an author or a
// passenger.
var secretName = regexp.MustCompile(`(?i)pass(?:$|[^a-z]|w|ph|co|k)|pwd|secret|token|(?:api|access).?key|session|sess?id|^sid$|auth(?:$|[^o]|o(?:$|[^r])|ori[sz])|credential|csrf|xsrf|cvv|cvc|card.?number|\bssn\b|private|signature|^pin$|^otp$|jwt`)

// sentBy copies a request's header. By the time that a failure is shown, another
// goroutine of the application's may write to the map, and to read it then would end
// the process; or a middleware has taken away the fields of a proxy by which it is
// known who asks.
func sentBy(r *http.Request) []Field {
	list := make([]Field, 0, len(r.Header))
	for name, values := range r.Header {
		for _, value := range values {
			list = append(list, Field{name, value})
		}
	}
	return list
}

// untouched is r with the header that the client sent, in a map of its own.
func (x *exchange) untouched(r *http.Request) *http.Request {
	u := *r
	u.Header = make(http.Header, len(x.sent))
	for _, f := range x.sent {
		u.Header[f.Name] = append(u.Header[f.Name], f.Value)
	}
	return &u
}

// facts collects what is shown of r. In its URL the given values are masked.
func facts(r *http.Request, secret func(string) bool, secrets []string) RequestFacts {
	o := gateway.OriginOf(r)
	f := RequestFacts{
		Method:   r.Method,
		Protocol: r.Proto,
		Client:   r.RemoteAddr,
		Host:     o.Host,
		RootPath: o.RootPath,
	}
	mask := func(name, value string) string {
		if value != "" && secret(name) {
			return masked
		}
		return cut(value, maxField)
	}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescaped(name)
		f.Query = append(f.Query, Field{name, mask(name, unescaped(value))})
	}
	path := r.URL.EscapedPath()
	for _, s := range secrets {
		path = strings.ReplaceAll(path, url.PathEscape(s), masked)
		path = strings.ReplaceAll(path, (&url.URL{Path: s}).EscapedPath(), masked)
	}
	f.URL = o.Scheme + "://" + o.Host + o.RootPath + path
	if len(f.Query) > 0 {
		f.URL += "?" + maskedQuery(r.URL.RawQuery, secret)
	}
	f.URL = cut(f.URL, maxField)
	for name, values := range r.Header {
		if name == "Cookie" {
			continue
		}
		for _, value := range values {
			if name == "Referer" {
				if u, err := url.Parse(value); err == nil && u.RawQuery != "" {
					u.RawQuery = maskedQuery(u.RawQuery, secret)
					value = u.String()
				}
			}
			f.Headers = append(f.Headers, Field{cut(name, maxField), mask(name, value)})
		}
	}
	byName(f.Headers)
	for _, cookie := range r.Cookies() {
		f.Cookies = append(f.Cookies, Field{cookie.Name, mask(cookie.Name, cookie.Value)})
	}
	f.Query, f.Headers, f.Cookies = some(f.Query), some(f.Headers), some(f.Cookies)
	if f.FormParsed = r.PostForm != nil; f.FormParsed {
		f.Form = fields(r.PostForm, mask)
	}
	if m := r.MultipartForm; m != nil {
		f.FormParsed = true
		if len(f.Form) == 0 {
			f.Form = fields(m.Value, mask)
		}
		for name, files := range m.File {
			for _, file := range files {
				f.Files = append(f.Files, Field{cut(name, maxField), fmt.Sprintf("%s (%d bytes)", cut(file.Filename, maxField), file.Size)})
			}
		}
		byName(f.Files)
	}
	f.Form, f.Files = some(f.Form), some(f.Files)
	return f
}

// some cuts a list to maxFields, with a word about the rest.
func some(list []Field) []Field {
	if len(list) <= maxFields {
		return list
	}
	return append(list[:maxFields:maxFields], Field{"…", strconv.Itoa(len(list)-maxFields) + " more"})
}

func fields(values map[string][]string, mask func(string, string) string) []Field {
	var list []Field
	for name, all := range values {
		for _, value := range all {
			list = append(list, Field{cut(name, maxField), mask(name, value)})
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

// maskedQuery is the query with the values of secrets replaced.
func maskedQuery(query string, secret func(string) bool) string {
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" && secret(unescaped(name)) {
			pairs[i] = name + "=" + masked
		}
	}
	return strings.Join(slices.DeleteFunc(pairs, func(p string) bool { return p == "" }), "&")
}
