package conformance_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/urls"
	"github.com/zeugkit/zeug/wrappers"
)

var _ = register(map[string]operation{
	"request.url":          answers(requestURL),
	"request.form":         answers(requestForm),
	"request.json":         answers(requestJSON),
	"request.limits":       answers(requestLimits),
	"request.access_route": answers(requestAccessRoute),
	"request.mimetype":     answers(requestMimetype),
})

// requestInput is a request in the form of the vectors.
type requestInput struct {
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Headers    [][2]string `json:"headers"`
	Body       []byte      `json:"body"`
	Scheme     string      `json:"scheme"`
	Host       string      `json:"host"`
	RemoteAddr string      `json:"remote_addr"`
	RootPath   string      `json:"root_path"`
	Limits     struct {
		ContentLength *int64 `json:"max_content_length"`
		FormMemory    *int64 `json:"max_form_memory_size"`
		Parts         *int   `json:"max_form_parts"`
	} `json:"limits"`
}

// request returns the request that a server would make from the input. Like
// Werkzeug's Request, it ignores mistakes in forms.
func (in *requestInput) request() *wrappers.Request {
	target, err := url.ParseRequestURI(in.Target)
	if err != nil {
		path, query, _ := strings.Cut(in.Target, "?")
		target = &url.URL{Path: path, RawQuery: query}
	}
	method := in.Method
	if method == "" {
		method = http.MethodGet
	}
	r := &http.Request{
		Method: method, URL: target, RequestURI: in.Target, Host: in.Host, Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: http.NoBody, ContentLength: int64(len(in.Body)), RemoteAddr: in.RemoteAddr,
	}
	if len(in.Body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(in.Body))
	}
	for _, field := range in.Headers {
		r.Header.Add(field[0], field[1])
	}
	origin := gateway.Origin{Scheme: in.Scheme, Host: in.Host, RootPath: strings.TrimRight(in.RootPath, "/")}
	if addr, err := netip.ParseAddr(in.RemoteAddr); err == nil {
		origin.Client = netip.AddrPortFrom(addr, 0)
	}
	req := wrappers.NewRequest(gateway.WithOrigin(r, origin))
	settings := wrappers.Settings{Silent: true}
	if n := in.Limits.ContentLength; n != nil {
		settings.Limits.Body = given(*n)
	}
	if n := in.Limits.FormMemory; n != nil {
		settings.Limits.FormMemory = given(*n)
	}
	if n := in.Limits.Parts; n != nil {
		settings.Limits.Parts = int(given(int64(*n)))
	}
	req.Configure(settings)
	return req
}

// given converts a limit that is set: in our settings 0 means the default.
func given(n int64) int64 { return max(n, 1) }

func requestURL(in requestInput) any {
	req := in.request()
	host, err := req.Host()
	if err != nil {
		host = ""
	}
	// Werkzeug turns a URL into an IRI, and the vectors turn that into a URI.
	spelled := func(url string) string { return urls.IRIToURI(urls.URIToIRI(url)) }
	return map[string]any{
		"url": spelled(req.FullURL()), "base_url": spelled(req.BaseURL()),
		"root_url": spelled(req.RootURL()), "host_url": spelled(req.HostURL()),
		"host": host, "is_secure": req.IsSecure(), "path": req.URL.Path, "root_path": req.RootPath(),
		"args": pairs(req.Query()),
	}
}

func requestForm(in requestInput) any {
	req := in.request()
	form, err := req.Form()
	if err != nil {
		return failure(err)
	}
	files, err := req.Files()
	if err != nil {
		return failure(err)
	}
	uploads := []any{}
	for field, file := range together(files.All()) {
		content, err := file.Bytes()
		if err != nil {
			return failure(err)
		}
		sum := sha256.Sum256(content)
		var contentType any
		if _, sent := file.Header["Content-Type"]; sent {
			contentType = datastructures.ParseOptions(file.Header.Get("Content-Type"))
		}
		uploads = append(uploads, map[string]any{
			"field": field, "filename": file.Name, "content_type": contentType, "sha256": hex.EncodeToString(sum[:]),
		})
	}
	return map[string]any{"form": pairs(form), "files": uploads}
}

func requestJSON(in requestInput) any {
	req := in.request()
	answer := map[string]any{"is_json": req.IsJSON()}
	var value any
	if err := req.JSON(&value); err != nil {
		answer["error"] = status(err)
	} else {
		answer["json"] = value
	}
	return answer
}

func requestLimits(in requestInput) any {
	req := in.request()
	form, err := req.Form()
	if err != nil {
		return failure(err)
	}
	files, err := req.Files()
	if err != nil {
		return failure(err)
	}
	return map[string]any{"form_fields": form.Len(), "files": files.Len()}
}

func requestAccessRoute(in requestInput) any {
	return append([]string{}, in.request().ForwardedFor()...)
}

func requestMimetype(in requestInput) any {
	contentType := in.request().ContentType()
	params := map[string]string{}
	for name, value := range contentType.All() {
		params[name] = value
	}
	return map[string]any{"mimetype": contentType.Value, "params": params}
}

func failure(err error) any { return map[string]any{"error": status(err)} }

func status(err error) int {
	var e *httperror.Error
	if errors.As(err, &e) {
		return int(e.Code)
	}
	return http.StatusInternalServerError
}

// pairs lists fields as JSON.
func pairs(v *datastructures.Values) [][2]string {
	list := [][2]string{}
	for key, value := range together(v.All()) {
		list = append(list, [2]string{key, value})
	}
	return list
}

// together yields the values of a key together, in the order of Werkzeug's
// dictionaries; ours keep the order across keys.
func together[V any](items iter.Seq2[string, V]) iter.Seq2[string, V] {
	d := new(datastructures.MultiDict[V])
	for key, value := range items {
		d.Add(key, value)
	}
	return func(yield func(string, V) bool) {
		for key, values := range d.Lists() {
			for _, value := range values {
				if !yield(key, value) {
					return
				}
			}
		}
	}
}
