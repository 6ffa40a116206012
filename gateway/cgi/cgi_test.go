package cgi_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/cgi"
)

func TestABodyWithoutALengthIsRead(t *testing.T) {
	var read error
	_, err := served(t, func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) },
		"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked")
	require.NoError(t, err)
	require.NoError(t, read)
	s := cgi.Server{
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) }),
		Out:     io.Discard, In: strings.NewReader("body"), MaxBody: 3, Env: []string{"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked"},
	}
	require.NoError(t, s.Serve())
	limit := (*http.MaxBytesError)(nil)
	require.ErrorAs(t, read, &limit)
}

func TestABodyThatNobodyReadsIsTaken(t *testing.T) {
	in := strings.NewReader(strings.Repeat("x", 100_000))
	s := cgi.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "not wanted") }),
		Out:     io.Discard, In: in, Env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=100000"},
	}
	require.NoError(t, s.Serve())
	require.Zero(t, in.Len())
}

func served(t *testing.T, h http.HandlerFunc, more ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := cgi.Server{
		Handler: h, Out: &out, In: strings.NewReader("body"), Timeout: time.Minute, MaxBody: 10, Logger: slog.New(slog.DiscardHandler),
		Env: append([]string{"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1"}, more...),
	}
	err := s.Serve()
	return out.String(), err
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		env     []string
		want    string
	}{
		{"a text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }, nil,
			"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, nil, "Status: 200 OK\r\n\r\n"},
		{"a status and fields in order", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-B", "two\r\nInjected: yes")
			w.Header().Set("X-A", "1")
			w.Header()["Bad Name"] = []string{"x"}
			w.Header().Set("Connection", "close")
			w.WriteHeader(404)
		}, nil, "Status: 404 Not Found\r\nX-A: 1\r\nX-B: two  Injected: yes\r\n\r\n"},
		{"a text after its status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Header().Set("X-Late", "lost")
			_, _ = io.WriteString(w, "<p>no")
		}, nil, "Status: 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>no"},
		{"nothing after its status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, nil, "Status: 404 Not Found\r\n\r\n"},
		{"a text whose type is not to be found out", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "<p>no")
		}, nil, "Status: 200 OK\r\n\r\n<p>no"},
		{"HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			_, _ = io.WriteString(w, "not sent")
		}, []string{"REQUEST_METHOD=HEAD"}, "Status: 200 OK\r\nContent-Type: a/b\r\n\r\n"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(204)
			_, err := io.WriteString(w, "abc")
			if !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}, nil, "Status: 204 No Content\r\n\r\n"},
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("x") }, nil,
			"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nInternal Server Error\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := served(t, c.handler, c.env...)
			require.NoError(t, err)
			require.Equal(t, c.want, out)
		})
	}
	t.Run("a body that is too long is 413", func(t *testing.T) {
		out, err := served(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") }, "REQUEST_METHOD=POST", "CONTENT_LENGTH=11")
		require.NoError(t, err)
		require.Contains(t, out, "Status: 413 ")
	})
	t.Run("an answer that ends early is an error", func(t *testing.T) {
		_, err := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "four")
		})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("more than announced is refused", func(t *testing.T) {
		_, err := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			_, err := io.WriteString(w, "fives")
			require.ErrorIs(t, err, http.ErrContentLength)
			_, _ = io.WriteString(w, "four")
		})
		require.NoError(t, err)
	})
	t.Run("an invalid request is 400", func(t *testing.T) {
		out, err := served(t, nil, "REQUEST_METHOD=")
		require.ErrorContains(t, err, "no CGI request")
		require.Contains(t, out, "Status: 400 ")
	})
}
