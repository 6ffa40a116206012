package staticfiles_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// A body of which there is a sealed copy is the same by every way that answers
// take, in whole and in part.
func TestHotBodiesAreTheSameByEveryWay(t *testing.T) {
	const size = 700_001
	content := digits(size)
	s := open(t, staticfiles.SharedData{MaxFile: 1 << 20, Exports: []staticfiles.Export{{Dir: write(t, map[string]string{"a.bin": string(content)})}}})
	app := s.Wrap(application)
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	require.NoError(t, err)
	ways := map[string]*httptest.Server{
		"TCP":           httptest.NewUnstartedServer(app),
		"a Unix socket": {Listener: unix, Config: &http.Server{Handler: app}},
		"TLS":           httptest.NewUnstartedServer(app),
		"HTTP/2":        httptest.NewUnstartedServer(app),
		"a writer that can do less": httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			app.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})),
		"a writer that copies": httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			app.ServeHTTP(copying{w}, r)
		})),
	}
	for way, server := range ways {
		t.Run("by "+way, func(t *testing.T) {
			switch way {
			case "TLS":
				server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
				server.StartTLS()
			case "HTTP/2":
				server.EnableHTTP2 = true
				server.StartTLS()
			default:
				server.Start()
			}
			defer server.Close()
			client := server.Client()
			base := server.URL
			if way == "a Unix socket" {
				client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					var d net.Dialer
					return d.DialContext(ctx, "unix", unix.Addr().String())
				}}}
				base = "http://socket"
			}
			var asking sync.WaitGroup
			for i := range 4 {
				asking.Go(func() {
					for j := range 8 {
						r, _ := http.NewRequest("GET", base+"/a.bin", nil)
						want := content
						if j%2 == 1 {
							from, to := 1000*i+j, size-5000*j
							r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
							want = content[from:to]
						}
						resp, err := client.Do(r)
						if err != nil {
							t.Error(err)
							return
						}
						have, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						if err != nil || !bytes.Equal(have, want) || resp.ContentLength != int64(len(want)) {
							t.Errorf("%d of %d bytes, %v", len(have), len(want), err)
						}
					}
				})
			}
			asking.Wait()
			r, _ := http.NewRequest("HEAD", base+"/a.bin", nil)
			resp, err := client.Do(r)
			require.NoError(t, err)
			require.Equal(t, int64(size), resp.ContentLength)
		})
	}
}

// copying has the ReadFrom that many wrappers have.
type copying struct{ http.ResponseWriter }

func (c copying) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.ResponseWriter, r) }

// A client that reads slowly makes the socket full in the middle of the copy;
// one that goes away in the middle leaves the others alone.
func TestSlowClientsGetHotBodiesWhole(t *testing.T) {
	const size = 2_000_000
	content := digits(size)
	s := open(t, staticfiles.SharedData{MaxFile: 4 << 20, Exports: []staticfiles.Export{{Dir: write(t, map[string]string{"a.bin": string(content)})}}})
	server := httptest.NewServer(s.Wrap(application))
	defer server.Close()
	var asking sync.WaitGroup
	for i := range 16 {
		asking.Go(func() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			conn.(*net.TCPConn).SetReadBuffer(4 << 10)
			fmt.Fprintf(conn, "GET /a.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if i%4 == 3 {
				io.CopyN(io.Discard, conn, 100_000)
				return
			}
			var have bytes.Buffer
			for piece := int64(10_000); ; piece *= 2 {
				n, err := io.CopyN(&have, conn, piece)
				if n < piece {
					if err != io.EOF {
						t.Error(err)
					}
					break
				}
				time.Sleep(time.Millisecond)
			}
			if _, got, _ := bytes.Cut(have.Bytes(), []byte("\r\n\r\n")); !bytes.Equal(content, got) {
				t.Errorf("%d of %d bytes", len(got), size)
			}
		})
	}
	asking.Wait()
}
