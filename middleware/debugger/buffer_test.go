package debugger_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/wrappers"
)

// servers are a server with a debugger and one without, for HTTP/1.1 or HTTP/2.
func servers(t *testing.T, h http.Handler, http2 bool) (with, without *httptest.Server) {
	t.Helper()
	both := make([]*httptest.Server, 2)
	for i, h := range []http.Handler{debugger.Debugger{Output: io.Discard}.Wrap(h), h} {
		both[i] = httptest.NewUnstartedServer(h)
		both[i].Config.ErrorLog = quietLog
		both[i].EnableHTTP2 = http2
		if both[i].StartTLS(); http2 {
			require.NotNil(t, both[i].Client())
		}
		t.Cleanup(both[i].Close)
	}
	return both[0], both[1]
}

// An ordinary response is the same as without a debugger, down to the last trailer, and its handler
// gets the same results.
func TestAnswersAreThoseOfTheServer(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"nothing":         func(http.ResponseWriter, *http.Request) error { return nil },
		"a status":        func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(202); return nil },
		"a body":          func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, "<p>a"); return err },
		"a body in bytes": func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write([]byte("a")); return err },
		"a large body":    func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, big); return err },
		"a large body in pieces": func(w http.ResponseWriter, _ *http.Request) error {
			for range 300 {
				if _, err := io.WriteString(w, big[:10<<10]); err != nil {
					return err
				}
			}
			return nil
		},
		"a large body that is copied": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, strings.NewReader(big))
			return err
		},
		"a body as long as the buffer": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, strings.NewReader(big[:1<<20]))
			return err
		},
		"a copy that fails at once": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, iotest.ErrReader(io.ErrUnexpectedEOF))
			return err
		},
		"a field set too late": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("X-Early", "1")
			_, err := io.WriteString(w, "a")
			w.Header().Set("X-Late", "1")
			w.Header().Set("X-Early", "2")
			return err
		},
		"trailers": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Trailer", "X-Sum")
			_, err := io.WriteString(w, "a")
			w.Header().Set("X-Sum", "7")
			w.Header().Set(http.TrailerPrefix+"X-Other", "8")
			return err
		},
		"trailers of a large body": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Trailer", "X-Sum")
			_, err := io.WriteString(w, big)
			w.Header().Set("X-Sum", "7")
			return err
		},
		"more than the promised length": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Length", "1")
			_, first := io.WriteString(w, "a")
			_, second := io.WriteString(w, "b")
			return errors.Join(first, second)
		},
		"less than the promised length": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Length", "5")
			_, err := io.WriteString(w, "a")
			return err
		},
		"a body where none may be": func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusNoContent)
			_, err := io.WriteString(w, "a")
			return err
		},
		"a second status": func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(201)
			w.WriteHeader(500)
			return nil
		},
		"an early hint": func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			_, err := io.WriteString(w, "a")
			return err
		},
		"a flush": func(w http.ResponseWriter, _ *http.Request) error {
			_, first := io.WriteString(w, "a")
			second := http.NewResponseController(w).Flush()
			w.(http.Flusher).Flush()
			_, third := io.WriteString(w, "b")
			return errors.Join(first, second, third)
		},
		"deadlines": func(w http.ResponseWriter, _ *http.Request) error {
			c := http.NewResponseController(w)
			return errors.Join(c.SetReadDeadline(time.Now().Add(time.Hour)), c.SetWriteDeadline(time.Now().Add(time.Hour)))
		},
		"what it can do": func(w http.ResponseWriter, _ *http.Request) error {
			_, flushes := w.(http.Flusher)
			_, hijacks := w.(http.Hijacker)
			_, reads := w.(io.ReaderFrom)
			_, strings := w.(io.StringWriter)
			_, pushes := w.(http.Pusher)
			return fmt.Errorf("flush %t, hijack %t, read %t, string %t, push %t", flushes, hijacks, reads, strings, pushes)
		},
	} {
		for _, http2 := range []bool{false, true} {
			for _, method := range []string{"GET", "HEAD"} {
				t.Run(fmt.Sprintf("%s by %s, HTTP/2 %t", name, method, http2), func(t *testing.T) {
					told := make(chan string, 1)
					with, without := servers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						told <- fmt.Sprint(answer(w, r))
					}), http2)
					type outcome struct {
						status          int
						header, trailer http.Header
						body, err, told string
						hints           int
					}
					ask := func(server *httptest.Server) (o outcome) {
						ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
							Got1xxResponse: func(int, textproto.MIMEHeader) error { o.hints++; return nil },
						})
						r, err := http.NewRequestWithContext(ctx, method, server.URL, nil)
						require.NoError(t, err)
						resp, err := server.Client().Do(r)
						o.told = <-told
						if err != nil {
							o.err = "failed"
							return o
						}
						defer resp.Body.Close()
						body, err := io.ReadAll(resp.Body)
						if err != nil {
							o.err = "cut short"
						}
						o.status, o.body = resp.StatusCode, string(body)
						resp.Header.Del("Date")
						o.header, o.trailer = resp.Header, resp.Trailer
						return o
					}
					want, got := ask(without), ask(with)
					if http2 && (method == "HEAD" || name == "more than the promised length") {
						// Over HTTP/2 a handler learns of a mistake only when its bytes leave, and
						// of some mistakes not at all.
						want.told, got.told, want.err, got.err = "", "", "", ""
					}
					require.Equal(t, want, got)
				})
			}
		}
	}
}

func TestAStatusThatIsNoneHasAPage(t *testing.T) {
	rep := report(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(0) }), local("GET", "/"))
	require.Equal(t, "invalid WriteHeader code 0", rep.Message)
}

// If a body fails after its first bytes, the response is replaced, wherever the failure is noticed.
func TestAnswersThatFailOnTheWayAreTakenBack(t *testing.T) {
	failing := func() io.Reader {
		return io.MultiReader(strings.NewReader("first"), iotest.ErrReader(errors.New("the disk is gone")))
	}
	for name, h := range map[string]http.Handler{
		"a reader": wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
			return wrappers.Reader("text/plain", failing()), nil
		}),
		"a stream function": wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
			return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
				_, err := io.Copy(w, failing())
				return err
			}), nil
		}),
		"a stream function, by an error that would answer": wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
			return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
				_, err := io.Copy(w, failing())
				return httperror.Wrap(httperror.NotFound, err)
			}), nil
		}),
		"a panic that Recover answers": middleware.Recover{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, failing())
			panic(err)
		})),
		"a panic within a time limit": middleware.Timeout{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(w, failing())
			panic(err)
		})),
	} {
		t.Run(name, func(t *testing.T) {
			r := local("GET", "/")
			r.Header.Set("Accept", "text/plain")
			server := quiet(t, debugger.Debugger{Output: io.Discard}.Wrap(h))
			resp, err := http.Get(server.URL)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, 500, resp.StatusCode)
			require.NotContains(t, string(body), "first")
			require.Contains(t, string(body), "the disk is gone")
		})
	}
}

// A handler that a time limit has abandoned cannot answer any more, but its failure is in the log.
func TestFailuresAfterATimeLimit(t *testing.T) {
	var out syncBuffer
	failed, logged := make(chan struct{}), make(chan struct{})
	limited := middleware.Timeout{Limit: time.Millisecond}.Wrap(wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
		<-failed
		return nil, errors.New("too late")
	}))
	server := quiet(t, debugger.Debugger{Output: &out}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/quick" {
			_, _ = io.WriteString(w, "quick")
			return
		}
		limited.ServeHTTP(w, r)
		close(logged)
	})))
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	<-logged
	close(failed)
	for range 100 { // the memory of the first response is used by others
		resp, err := http.Get(server.URL + "/quick")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "quick", string(body))
	}
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "its time was over") }, time.Minute, time.Millisecond)
	require.Contains(t, out.String(), "error: too late")
}

// If a handler keeps writing after it has returned, it gets errors.
func TestWritingAfterTheEnd(t *testing.T) {
	var kept http.ResponseWriter
	h := debugger.Debugger{Output: io.Discard}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { kept = w }))
	h.ServeHTTP(httptest.NewRecorder(), local("GET", "/"))
	_, err := kept.Write([]byte("late"))
	require.ErrorContains(t, err, "has returned")
	require.ErrorContains(t, http.NewResponseController(kept).Flush(), "has returned")
	kept.Header().Set("X", "late")
	kept.WriteHeader(200)
}

func TestWebsockets(t *testing.T) {
	server := quiet(t, debugger.Debugger{Output: io.Discard}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			panic(err)
		}
		kind, text, err := c.Read(r.Context())
		if err == nil {
			_ = c.Write(r.Context(), kind, bytes.ToUpper(text))
		}
		_ = c.Close(websocket.StatusNormalClosure, "")
	})))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, server.URL, nil)
	require.NoError(t, err)
	require.NoError(t, c.Write(ctx, websocket.MessageText, []byte("hello")))
	_, text, err := c.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, "HELLO", string(text))
}

// The response of a handler that answers while it reads is not kept back.
func TestFullDuplex(t *testing.T) {
	server := quiet(t, debugger.Debugger{Output: io.Discard}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			panic(err)
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			_ = http.NewResponseController(w).Flush()
		}
	})))
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
	require.NoError(t, err)
	text := bufio.NewReader(conn)
	for line := ""; line != "ONE\n"; {
		line, err = text.ReadString('\n')
		require.NoError(t, err)
	}
}

func TestEventsArriveAsTheyAreSent(t *testing.T) {
	next := make(chan string)
	server := quiet(t, debugger.Debugger{Output: io.Discard}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for text := range next {
			fmt.Fprintf(w, "data: %s\n\n", text)
			_ = http.NewResponseController(w).Flush()
		}
	})))
	go func() { next <- "one" }()
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i, want := range []string{"data: one", "", "data: two", ""} {
		if i == 2 {
			next <- "two"
		}
		require.True(t, lines.Scan())
		require.Equal(t, want, lines.Text())
	}
	close(next)
}

// The page replaces everything that was set for the original response.
func TestThePageUnderAPolicy(t *testing.T) {
	strict := middleware.SecureHeaders{ContentSecurityPolicy: "default-src 'self'"}
	for name, h := range map[string]func(http.Handler) http.Handler{
		"inside":  func(h http.Handler) http.Handler { return debugger.Debugger{Output: io.Discard}.Wrap(strict.Wrap(h)) },
		"outside": func(h http.Handler) http.Handler { return strict.Wrap(debugger.Debugger{Output: io.Discard}.Wrap(h)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h(http.HandlerFunc(fails)).ServeHTTP(w, local("GET", "/"))
			require.Len(t, w.Header().Values("Content-Security-Policy"), 1)
			policy := w.Header().Get("Content-Security-Policy")
			_, nonce, ok := strings.Cut(policy, "style-src 'nonce-")
			require.True(t, ok)
			nonce, _, _ = strings.Cut(nonce, "'")
			require.Equal(t, 1, strings.Count(w.Body.String(), `<style nonce="`+nonce+`">`))
			require.Equal(t, 1, strings.Count(w.Body.String(), `<script nonce="`+nonce+`">`))
		})
	}
}

func TestFieldsForOtherOriginsStay(t *testing.T) {
	h := middleware.Chain(func(next http.Handler) http.Handler {
		return debugger.Debugger{Output: io.Discard}.Wrap(next)
	}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
			w.Header().Set("X-Half", "done")
			next.ServeHTTP(w, r)
		})
	})(http.HandlerFunc(fails))
	r := local("GET", "/")
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Sec-Fetch-Site", "same-site")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Contains(t, w.Body.String(), "debugger_test.go")
	require.Equal(t, "http://localhost:3000", w.Header().Get("Access-Control-Allow-Origin"))
	require.NotContains(t, slices.Collect(maps.Keys(w.Header())), "X-Half")
}
