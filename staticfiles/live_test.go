package staticfiles_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// program returns the path of a program that a test needs.
func program(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs " + name)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func TestCurlContinues(t *testing.T) {
	curl := program(t, "curl")
	for source, s := range everywhere(t, 3_000_000) {
		t.Run("a download from "+source, func(t *testing.T) {
			server := httptest.NewServer(s.Wrap(application))
			defer server.Close()
			content := digits(3_000_000)
			file := filepath.Join(t.TempDir(), "a.bin")
			require.NoError(t, os.WriteFile(file, content[:1_234_567], 0o644))
			out, err := exec.Command(curl, "-sS", "--fail", "--continue-at", "-", "-o", file, server.URL+"/a.bin").CombinedOutput()
			require.NoError(t, err, string(out))
			have, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, bytes.Equal(content, have))
		})
	}
}

// The process itself is traced while it sends: the large file must be sent by sendfile, and so must
// the one in memory if it is requested often; the small one must be sent with a single write.
func TestLargeFilesLeaveBySendfile(t *testing.T) {
	strace := program(t, "strace")
	dir := write(t, map[string]string{"large.bin": string(digits(3_000_000)), "kept.bin": string(digits(200_000)), "small.css": string(digits(1000))})
	binary, source := filepath.Join(t.TempDir(), "serve"), filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte(sendfileProgram), 0o644))
	out, err := exec.Command("go", "build", "-ldflags=-w", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, server := range []string{"net/http", "package serving"} {
		t.Run("under "+server, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "trace")
			cmd := exec.Command(strace, "-f", "-o", trace, "-e", "trace=sendfile,write,read,pread64", binary, dir, server)
			cmd.Stderr = os.Stderr
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			stdin, err := cmd.StdinPipe() // strace does not pass on signals
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			stop := func() {
				stdin.Close()
				cmd.Wait()
			}
			defer stop()
			var addr string
			_, err = fmt.Fscan(stdout, &addr)
			require.NoError(t, err)
			ask := func(path string, want int) {
				resp, err := http.Get("http://" + addr + path)
				require.NoError(t, err)
				require.Equal(t, string(digits(want)), body(t, resp))
			}
			for range 20 {
				ask("/s/kept.bin", 200_000)
			}
			kept := sentByFile(t, trace)
			require.Greater(t, kept, 10*199_000, "bytes by sendfile")
			ask("/s/large.bin", 3_000_000)
			ask("/s/small.css", 1000)
			stop()
			require.Greater(t, sentByFile(t, trace)-kept, 2_900_000, "bytes by sendfile")
			calls, err := os.ReadFile(trace)
			require.NoError(t, err)
			require.Regexp(t, `write\(\d+, "HTTP/1\.1 200 OK.*, 1\d\d\d[ )]`, string(calls), "header and small file in one write")
		})
	}
}

// sentByFile adds up the bytes that sendfile sent, according to a trace.
func sentByFile(t testing.TB, trace string) (sent int) {
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)
	for line := range strings.Lines(string(calls)) {
		if i := strings.LastIndex(line, " = "); strings.Contains(line, "sendfile") && i > 0 {
			n := 0
			fmt.Sscan(line[i+3:], &n)
			sent += max(n, 0)
		}
	}
	return sent
}

const sendfileProgram = `package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	app := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/s", Dir: os.Args[1]}}}.Wrap(http.NotFoundHandler())
	if os.Args[2] == "net/http" {
		go http.Serve(l, app)
	} else {
		s, err := serving.New(app, serving.Options{NoAccessLog: true})
		if err != nil {
			panic(err)
		}
		s.Use("", l)
		go s.Serve()
	}
	io.Copy(io.Discard, os.Stdin)
}
`

func TestNginxSendsForUs(t *testing.T) {
	nginx := program(t, "nginx")
	dir := write(t, map[string]string{"files/a b#1?.txt": string(digits(1000)), "files/äöü.txt": "umlauts", "files/100%41.txt": "percent", "files/a+b;c=d&e.txt": "marks", "files/new\nline.txt": "line"})
	require.NoError(t, os.Chmod(dir, 0o755))
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return staticfiles.SendFrom(filepath.Join(dir, "files"), strings.TrimPrefix(req.URL.Path, "/"), staticfiles.SendOptions{
			Attachment: true, DownloadName: "réport.txt", MaxAge: time.Hour,
			Offload: staticfiles.XAccelRedirect(dir, "/protected"),
		})
	})
	backend := httptest.NewServer(app)
	defer backend.Close()
	front := "127.0.0.1:" + freeport.Port(t)
	own := t.TempDir()
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	require.NoError(t, os.WriteFile(filepath.Join(own, "nginx.conf"), fmt.Appendf(nil, `
%s daemon off; pid %s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/b; proxy_temp_path %[2]s/p; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
	server {
		listen %s;
		location / { proxy_pass %s; }
		location /protected/ { internal; alias %s/; }
	}
}`, user, own, front, backend.URL, dir), 0o644))
	cmd := exec.Command(nginx, "-c", filepath.Join(own, "nginx.conf"))
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	}()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", front)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
	fetch := func(path string, header ...string) *http.Response {
		r, err := http.NewRequest("GET", "http://"+front+path, nil)
		require.NoError(t, err)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	resp := fetch("/a%20b%231%3F.txt")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, string(digits(1000)), body(t, resp))
	require.Equal(t, `attachment; filename=report.txt; filename*=UTF-8''r%C3%A9port.txt`, resp.Header.Get("Content-Disposition"))
	require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, "public, max-age=3600", resp.Header.Get("Cache-Control"))
	require.Empty(t, resp.Header.Get("X-Accel-Redirect"))
	for path, want := range map[string]string{
		"/%C3%A4%C3%B6%C3%BC.txt": "umlauts", "/100%2541.txt": "percent", "/a+b;c=d&e.txt": "marks", "/new%0Aline.txt": "line",
	} {
		require.Equal(t, want, body(t, fetch(path)), path)
	}

	part := fetch("/a%20b%231%3F.txt", "Range", "bytes=8-15")
	require.Equal(t, 206, part.StatusCode)
	require.Equal(t, "0000008 ", body(t, part))
	for _, validator := range []string{"ETag:If-None-Match", "Last-Modified:If-Modified-Since"} {
		have, ask, _ := strings.Cut(validator, ":")
		require.NotEmpty(t, resp.Header.Get(have))
		again := fetch("/a%20b%231%3F.txt", ask, resp.Header.Get(have))
		require.Equal(t, 304, again.StatusCode, ask)
		io.Copy(io.Discard, again.Body)
	}
	require.Equal(t, []string{"bytes"}, resp.Header["Accept-Ranges"])
	for field, values := range map[string][2]string{
		"If-Match":            {resp.Header.Get("ETag"), `"other"`},
		"If-Unmodified-Since": {resp.Header.Get("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT"},
	} {
		require.Equal(t, 200, fetch("/a%20b%231%3F.txt", field, values[0]).StatusCode, field)
		require.Equal(t, 412, fetch("/a%20b%231%3F.txt", field, values[1]).StatusCode, field)
	}
	require.Equal(t, 404, fetch("/x/%252e%252e/secret").StatusCode)
	require.Equal(t, 404, fetch("/protected/files/x").StatusCode)
	require.Equal(t, 404, fetch("/gone.txt").StatusCode)
}
