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
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// A body with a sealed copy is sent the same in all the ways in which a
// response can be sent, in whole and in part.
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

// copying has a ReadFrom like many wrappers.
type copying struct{ http.ResponseWriter }

func (c copying) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.ResponseWriter, r) }

// A client that reads slowly fills the socket in the middle of the copy; a client that leaves in
// the middle does not affect the others. The buffers of both ends hold a tenth of the file, so the
// server must wait for each client until all have read their first bytes.
func TestSlowClientsGetHotBodiesWhole(t *testing.T) {
	const size, clients = 2_000_000, 16
	content := digits(size)
	s := open(t, staticfiles.SharedData{MaxFile: 4 << 20, Exports: []staticfiles.Export{{Dir: write(t, map[string]string{"a.bin": string(content)})}}})
	server := httptest.NewUnstartedServer(s.Wrap(application))
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conn.(*net.TCPConn).SetWriteBuffer(32 << 10)
		}
	}
	server.Start()
	defer server.Close()
	var asking, begun sync.WaitGroup
	begun.Add(clients)
	for i := range clients {
		asking.Go(func() {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			var have bytes.Buffer
			if err == nil {
				defer conn.Close()
				conn.(*net.TCPConn).SetReadBuffer(64 << 10)
				fmt.Fprintf(conn, "GET /a.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				_, err = io.CopyN(&have, conn, 10_000)
			}
			begun.Done()
			begun.Wait()
			if err != nil {
				t.Error(err)
				return
			}
			if i%4 == 3 {
				return
			}
			for piece := int64(20_000); err == nil; piece *= 2 {
				_, err = io.CopyN(&have, conn, piece)
				runtime.Gosched()
			}
			if _, got, _ := bytes.Cut(have.Bytes(), []byte("\r\n\r\n")); err != io.EOF || !bytes.Equal(content, got) {
				t.Errorf("%d of %d bytes, %v", len(got), size, err)
			}
		})
	}
	asking.Wait()
}
