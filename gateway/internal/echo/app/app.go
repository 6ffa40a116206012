// Package app is the application that the gateway's live tests serve with every protocol: it
// answers with a description of the request.
package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// Asked describes a request that arrived.
type Asked struct {
	Method, Root, Path, Query, Scheme, Host, Client string
	Length                                          int64
	Sum                                             string // SHA-256 of the body
	Header                                          http.Header
}

// New returns the application.
func New() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/big"):
			n, _ := strconv.Atoi(r.URL.Query().Get("n"))
			w.Header().Set("Content-Type", "application/octet-stream")
			line := strings.Repeat("0123456789abcde\n", 64)
			for ; n > 0; n -= len(line) {
				if _, err := io.WriteString(w, line[:min(n, len(line))]); err != nil {
					return
				}
			}
			return
		case strings.HasSuffix(path, "/panic"):
			panic("on purpose")
		case strings.HasSuffix(path, "/cut"):
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(path, "/none"):
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(http.StatusNotModified)
			return
		case strings.HasSuffix(path, "/length-of-none"):
			w.Header().Set("Content-Length", "1234")
			w.WriteHeader(http.StatusNotModified)
			return
		case strings.HasSuffix(path, "/status"):
			status, _ := strconv.Atoi(r.URL.Query().Get("s"))
			w.WriteHeader(status)
			fmt.Fprintln(w, "the body of", status)
			return
		case strings.HasSuffix(path, "/interim"):
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprintln(w, "after a hint")
			return
		case strings.HasSuffix(path, "/trailer"):
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprintln(w, "before a trailer")
			w.Header().Set("X-Sum", "42")
			return
		case strings.HasSuffix(path, "/too-short"):
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
			return
		case strings.HasSuffix(path, "/too-long"):
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "exact")
			_, _ = io.WriteString(w, " and more")
			return
		case strings.HasSuffix(path, "/unread"):
			_, _ = io.WriteString(w, "not wanted\n")
			return
		case strings.HasSuffix(path, "/untyped"):
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "<p>what is this")
			return
		case strings.HasSuffix(path, "/odd-fields"):
			h := w.Header()
			h["X-Many"] = []string{"1", "2", "3"}
			h["x-lower"] = []string{"as it is"}
			h["X-Empty"] = []string{""}
			h["X-Long"] = []string{strings.Repeat("x", 2000)}
			h["X-Latin"] = []string{"caf\xe9"}
			h["Location"] = []string{"/elsewhere?a=b%20c"}
			h["Status"] = []string{"404 Not Found"}
			h["X-Split"] = []string{"one\r\nX-Injected: two"}
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintln(w, "odd")
			return
		case strings.HasSuffix(path, "/teapot"):
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprintln(w, "short and stout")
			return
		}
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		o := gateway.OriginOf(r)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Asked{
			r.Method, o.RootPath, r.URL.EscapedPath(), r.URL.RawQuery, o.Scheme, o.Host, o.Client.Addr().String(),
			n, hex.EncodeToString(sum.Sum(nil)), r.Header,
		})
	})
}
