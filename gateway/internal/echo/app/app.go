// Package app is the application that the gateway's live tests serve by every
// protocol: it answers with what it was asked.
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

// Asked is what a request looked like.
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
