package serving_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/serving"
)

var app = http.HandlerFunc(hello)

// oneRequest is a client that does not reuse connections.
var oneRequest = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// answering responds with a status and does not read the body.
func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", status) }
}

func TestAClientThatWaitsForContinueGetsTheResponse(t *testing.T) {
	for _, status := range []int{200, 403, 413} {
		_, addr := start(t, answering(status), serving.Options{})
		for name, framing := range map[string]string{
			"with a length": "Content-Length: 60000000",
			"in chunks":     "Transfer-Encoding: chunked",
		} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				began := time.Now()
				_, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"+framing+"\r\n\r\n")
				resp, err := http.ReadResponse(r, nil)
				require.NoError(t, err)
				require.Equal(t, status, resp.StatusCode)
				require.True(t, resp.Close, "the body never comes: the connection cannot be used again")
				require.Less(t, time.Since(began), 5*time.Second)
			})
		}
	}
	t.Run("and continues where the body is read", func(t *testing.T) {
		_, addr := start(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }, serving.Options{})
		c, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
		_, err = r.ReadString('\n')
		require.NoError(t, err)
		io.WriteString(c, "body")
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		require.Equal(t, "body", string(b))
	})
}

func TestASlowClientIsRefusedAtOnce(t *testing.T) {
	_, addr := start(t, answering(413), serving.Options{})
	c, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n\r\n")
	ended := make(chan bool)
	defer func() { <-ended }()
	defer c.Close()
	go func() { // 20 KB/s
		defer close(ended)
		for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
			if _, err := c.Write(make([]byte, 1000)); err != nil {
				return
			}
		}
	}()
	began := time.Now()
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 413, resp.StatusCode)
	require.Less(t, time.Since(began), 5*time.Second)
}

// idleUploads opens connections that send the header of a request and no byte
// of its body.
func idleUploads(t *testing.T, addr string, n int) {
	t.Helper()
	for range n {
		dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
	}
}

func TestUploadsThatNeverComeDoNotStopTheServer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"after the handler": answering(404),
		"during a flush": func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
		},
		"during a long write": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, strings.Repeat("x", 64<<10))
		},
		"in a copy from a reader": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, strings.NewReader(strings.Repeat("x", 64<<10)))
		},
		"while it closes the body": func(w http.ResponseWriter, r *http.Request) {
			r.Body.Close()
		},
		"while it reads": func(w http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handled := make(chan bool, 21)
			_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				handler(w, r)
				handled <- true
			}, serving.Options{StallTimeout: 200 * time.Millisecond, MaxConnections: 20})
			idleUploads(t, addr, 20)
			_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			_, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			for range 21 {
				<-handled
			}
		})
	}
}

func TestAClientOfAnUploadThatNeverComesGetsItsResponse(t *testing.T) {
	t.Parallel()
	_, addr := start(t, answering(404), serving.Options{StallTimeout: time.Second})
	_, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 404, resp.StatusCode)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "no\n", string(b))
	_, err = r.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

// A handler that continues after an early flush keeps its context: the deadline applies to the data
// that net/http reads before the flush.
func TestAnEarlyResponseGoesOnForLongerThanAStall(t *testing.T) {
	t.Parallel()
	const stall = 500 * time.Millisecond // a busy client may take as long to send its header
	for name, early := range map[string]func(w http.ResponseWriter){
		"after a flush":      func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		"after a long write": func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("x", 3000)) },
		"after a short one":  func(w http.ResponseWriter) { io.WriteString(w, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cause := make(chan error, 1)
			_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				early(w)
				select {
				case <-r.Context().Done():
				case <-time.After(4 * stall):
				}
				cause <- r.Context().Err()
			}, serving.Options{StallTimeout: stall})
			_, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			_, err = io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, <-cause)
		})
	}
}

// The time between reads counts neither while the handler does other work nor at its next read. Few bytes
// give so little time back that they would not hide it.
func TestAHandlerMayPauseBetweenReads(t *testing.T) {
	t.Parallel()
	const stall = time.Second // a busy client may take as long to begin
	read := func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for b := make([]byte, r.ContentLength/2); ; {
			m, err := io.ReadFull(r.Body, b)
			if n += m; err != nil {
				fmt.Fprint(w, n, " ", err)
				return
			}
			time.Sleep(3 * stall / 2)
		}
	}
	_, addr := start(t, read, serving.Options{StallTimeout: stall, H2C: true})
	for _, size := range []int{2, 1 << 20} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, HTTP/2: %t", size, http2), func(t *testing.T) {
				t.Parallel()
				p := new(http.Protocols)
				p.SetHTTP1(!http2)
				p.SetUnencryptedHTTP2(http2)
				transport := &http.Transport{Protocols: p}
				defer transport.CloseIdleConnections()
				resp, err := (&http.Client{Transport: transport}).Post("http://"+addr, "text/plain", bytes.NewReader(make([]byte, size)))
				require.NoError(t, err)
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, fmt.Sprint(size, " EOF"), string(b))
			})
		}
	}
}

func TestABodyBelowTheLeastRateEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rate int
		ends bool
	}{
		"below the rate":   {10_000, true},
		"above it":         {50, false},
		"with rate lifted": {-1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				if err != nil {
					httperror.Respond(w, r, err)
				}
			}, serving.Options{StallTimeout: time.Second, MinRate: c.rate})
			conn, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n")
			go func() {
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for range 300 { // for three seconds, 200 bytes per second
					<-tick.C
					if _, err := io.WriteString(conn, "xx"); err != nil {
						return
					}
				}
			}()
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			require.Equal(t, c.ends, resp.StatusCode == http.StatusRequestTimeout, resp.Status)
		})
	}
}

// In TestTrickledBodiesDoNotStopTheServer, more clients than there are
// connections send a byte now and then, and reconnect when they are cut. The attacks run one after the other: beside
// each other they are as many as the machine can serve, and a fresh request whose bytes come late is cut as the slowest.
func TestTrickledBodiesDoNotStopTheServer(t *testing.T) {
	const limit, attackers, fresh = 100, 130, 100
	long := make([]byte, 64<<10)
	for name, attack := range map[string]string{
		"in bodies":           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
		"in unread bodies":    "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
		"in headers":          "GET / HTTP/1.1\r\nHost: a\r\nX: ",
		"without a request":   "",
		"by reading nothing":  "GET /long HTTP/1.1\r\nHost: a\r\n\r\n",
		"in chunks of a body": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/long":
					for range 1 << 10 {
						if _, err := w.Write(long); err != nil {
							return
						}
					}
				case "/unread":
				default:
					io.Copy(io.Discard, r.Body)
				}
			}, serving.Options{MaxConnections: limit, WrapListener: func(l net.Listener) net.Listener { return littleBuffers{l} }})
			ctx, stop := context.WithCancel(t.Context())
			var ended sync.WaitGroup
			defer ended.Wait()
			defer stop()
			for range attackers {
				ended.Go(func() { trickle(ctx, addr, attack) })
			}
			// Because a machine may be busy, there are three tries.
			var slowest time.Duration
			for range 3 {
				slowest = 0
				for range fresh {
					began := time.Now()
					require.Empty(t, get(t, oneRequest, "http://"+addr))
					slowest = max(slowest, time.Since(began))
				}
				require.Less(t, slowest, 10*time.Second)
				t.Logf("the slowest of %d requests took %v", fresh, slowest)
				if slowest < time.Second {
					return
				}
			}
			require.Less(t, slowest, time.Second)
		})
	}
}

// littleBuffers is a listener whose connections block soon if a client does not
// read.
type littleBuffers struct{ net.Listener }

func (l littleBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// trickle connects, begins a request and sends one byte every 200 ms; when it
// is cut, it begins again.
func trickle(ctx context.Context, addr, text string) {
	for ctx.Err() == nil {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			continue
		}
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		end := context.AfterFunc(ctx, func() { c.Close() })
		_, err = io.WriteString(c, text)
		for tick := time.NewTicker(200 * time.Millisecond); err == nil; {
			select {
			case <-tick.C:
				if text != "" {
					_, err = io.WriteString(c, "1")
				} else {
					c.SetReadDeadline(time.Now())
					if _, gone := c.Read(make([]byte, 1)); gone == io.EOF {
						err = gone
					}
				}
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		end()
		c.Close()
	}
}

// Clients that send at a reasonable rate keep their connections when the limit is reached.
func TestFairUploadsAreNotCutAtTheLimit(t *testing.T) {
	t.Parallel()
	const uploads = 5
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, err)
	}, serving.Options{MaxConnections: uploads})
	answers := make(chan string, uploads)
	for range uploads {
		c, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n")
		go func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for range 20 { // 10 KB/s for 2 s
				<-tick.C
				c.Write(make([]byte, 1000))
			}
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				answers <- err.Error()
				return
			}
			b, _ := io.ReadAll(resp.Body)
			answers <- string(b)
		}()
	}
	require.Equal(t, "0 <nil>", get(t, oneRequest, "http://"+addr), "it waits for its turn")
	for range uploads {
		require.Equal(t, "20000 <nil>", <-answers)
	}
}

func TestFilesOfUploadsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	parse := func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(0); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			http.Error(w, fmt.Sprint(len(entries), " files"), 400)
			return
		}
		if r.URL.Path == "/panic" {
			panic("on purpose")
		}
	}
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	part, err := m.CreateFormFile("f", "f")
	require.NoError(t, err)
	part.Write(make([]byte, 100<<10))
	require.NoError(t, m.Close())
	for name, o := range map[string]serving.Options{
		"with a log":     {},
		"without":        {NoAccessLog: true},
		"without bounds": {NoAccessLog: true, StallTimeout: -1},
	} {
		_, addr := start(t, parse, o)
		for path, status := range map[string]int{"/": 200, "/panic": 500} {
			for _, accept := range []string{"*/*", "text/event-stream"} {
				t.Run(name+" "+path+" "+accept, func(t *testing.T) {
					r, err := http.NewRequest("POST", "http://"+addr+path, bytes.NewReader(form.Bytes()))
					require.NoError(t, err)
					r.Header.Set("Content-Type", m.FormDataContentType())
					r.Header.Set("Accept", accept)
					resp, err := oneRequest.Do(r)
					require.NoError(t, err)
					b, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					require.Equal(t, status, resp.StatusCode, string(b))
					require.Eventually(t, func() bool {
						entries, err := os.ReadDir(dir)
						return err == nil && len(entries) == 0
					}, 5*time.Second, time.Millisecond)
				})
			}
		}
	}
}

// Frames of HTTP/2 (RFC 9113, section 6).
const (
	http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	dataFrame    = 0
	headersFrame = 1
	settings     = 4
)

func frame(kind, flags byte, stream uint32, payload ...byte) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = append(head, flags)
	return string(append(binary.BigEndian.AppendUint32(head, stream), payload...))
}

// get2 is a header: GET / at authority a.
var get2 = []byte{0x82, 0x84, 0x86, 0x41, 1, 'a'}

func TestAClientOfHTTP2ThatGrantsNoWindowIsCut(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"that waits for a short response": hello,
		"that waits for a long one":       func(w http.ResponseWriter, r *http.Request) { io.Copy(w, zeros{}) },
		"that waits for a flush": func(w http.ResponseWriter, r *http.Request) {
			hello(w, r)
			http.NewResponseController(w).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan bool, 20)
			s, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
				context.AfterFunc(r.Context(), func() { ended <- true })
				handler(w, r)
			}, serving.Options{StallTimeout: 200 * time.Millisecond, H2C: true})
			requests := http2Preface + frame(settings, 0, 0, 0, 4, 0, 0, 0, 0) // INITIAL_WINDOW_SIZE 0
			for i := range 20 {
				requests += frame(headersFrame, 5, uint32(2*i+1), get2...) // END_STREAM and END_HEADERS
			}
			dial(t, addr, requests)
			for range 20 {
				<-ended
			}
			require.NoError(t, <-shutdown(t, s, time.Minute), "no handler is left")
		})
	}
}

func TestAnUploadOverHTTP2ThatStallsEnds(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
	}, serving.Options{StallTimeout: time.Second, H2C: true})
	post2 := append([]byte{0x83}, get2[1:]...)
	dial(t, addr, http2Preface+frame(settings, 0, 0)+frame(headersFrame, 4, 1, post2...)+frame(dataFrame, 0, 1, 'x'))
	require.ErrorIs(t, <-got, httperror.RequestTimeout)
}

func TestAStreamOverHTTP2MayPause(t *testing.T) {
	t.Parallel()
	const stall = 300 * time.Millisecond
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		for range 3 {
			io.WriteString(w, "x")
			http.NewResponseController(w).Flush()
			time.Sleep(3 * stall)
		}
	}, serving.Options{StallTimeout: stall, H2C: true})
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: p}
	defer transport.CloseIdleConnections()
	require.Equal(t, "xxx", get(t, &http.Client{Transport: transport}, "http://"+addr))
}
