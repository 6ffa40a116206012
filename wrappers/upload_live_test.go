package wrappers_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// program returns the path of a client program, and skips the test if the
// machine does not have it.
func program(t *testing.T, names ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a live client is for the long tests")
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("this machine has no %s", strings.Join(names, " and no "))
	return ""
}

// received describes a received form.
type received struct {
	fields []string
	files  []string // field, name, type, size and digest
	err    error
}

// receiver is a server that receives forms and passes on their descriptions.
// GET returns the page.
func receiver(t *testing.T, page string) (*httptest.Server, <-chan received) {
	forms := make(chan received, 8)
	server := httptest.NewServer(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		if req.Method == http.MethodGet {
			return wrappers.HTML(page), nil
		}
		var got received
		form, err := req.Form()
		got.err = err
		for name, value := range form.All() {
			got.fields = append(got.fields, name+"="+value)
		}
		files, _ := req.Files()
		for name, file := range files.All() {
			digest := sha256.New()
			_, err := file.WriteTo(digest)
			got.err = err
			got.files = append(got.files, describedFile(name, file.Name, file.Header.Get("Content-Type"), file.Size, digest.Sum(nil)))
		}
		forms <- got
		return wrappers.Text("taken\n"), err
	}))
	t.Cleanup(server.Close)
	return server, forms
}

func describedFile(field, name, contentType string, size int64, digest []byte) string {
	return fmt.Sprintf("%s %q %s %d %x", field, name, contentType, size, digest[:8])
}

func wanted(field, name, contentType string, content []byte) string {
	digest := sha256.Sum256(content)
	return describedFile(field, name, contentType, int64(len(content)), digest[:])
}

// binary returns n bytes that contain everything that could confuse the search for a boundary.
func binary(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 0, n+8)
	for len(b) < n {
		if random.IntN(4) == 0 {
			b = append(b, "\r\n--"...)
		}
		b = append(b, byte(random.IntN(256)))
	}
	return b[:n]
}

func await(t *testing.T, forms <-chan received) received {
	t.Helper()
	select {
	case got := <-forms:
		require.NoError(t, got.err)
		return got
	case <-time.After(60 * time.Second):
		t.Fatal("no form arrived")
		return received{}
	}
}

func TestUploadFromCurl(t *testing.T) {
	curl := program(t, "curl")
	server, forms := receiver(t, "")
	dir := t.TempDir()
	large, small := binary(3_000_000), []byte("\r\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large ü.bin"), large, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "small.txt"), small, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600))
	for _, mode := range [][]string{{}, {"-H", "Transfer-Encoding: chunked"}, {"-H", "Expect: 100-continue"}, {"-X", "PUT"}, {"--form-escape"}} {
		args := append([]string{"-sS", "-F", "text=a b\r\nü", "-F", "large=@large ü.bin", "-F", `small=@small.txt;filename="q\"u;o.txt"`, "-F", "empty=@empty;type=image/png", "-F", "last="}, mode...)
		cmd := exec.Command(curl, append(args, server.URL)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		got := await(t, forms)
		require.Equal(t, []string{"text=a b\r\nü", "last="}, got.fields)
		require.Equal(t, []string{
			wanted("large", "large ü.bin", "application/octet-stream", large),
			wanted("small", `q"u;o.txt`, "text/plain", small),
			wanted("empty", "empty", "image/png", nil),
		}, got.files, "%q", mode)
	}

	cmd := exec.Command(curl, "-sS", "--data-urlencode", "a=1&2 ü", "-d", "b=3", server.URL)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, []string{"a=1&2 ü", "b=3"}, await(t, forms).fields)
}

const pythonUpload = `
import sys
content = open(sys.argv[2], "rb").read()
try:
    import requests
    requests.post(sys.argv[1], data={"text": "a b\r\nü"}, files=[("f", ("naïve.bin", content, "image/x-y")), ("f", ("plain", b"x"))]).raise_for_status()
except ImportError:
    from urllib.request import Request, urlopen
    from email.generator import _make_boundary
    b = _make_boundary()
    body = ("--%s\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na b\r\nü\r\n--%s\r\nContent-Disposition: form-data; name=\"f\"; filename*=utf-8''na%%C3%%AFve.bin\r\nContent-Type: image/x-y\r\n\r\n" % (b, b)).encode()
    body += content + ("\r\n--%s\r\nContent-Disposition: form-data; name=\"f\"; filename=\"plain\"\r\n\r\nx\r\n--%s--\r\n" % (b, b)).encode()
    urlopen(Request(sys.argv[1], body, {"Content-Type": "multipart/form-data; boundary=\"%s\"" % b}))
`

func TestUploadFromPython(t *testing.T) {
	python := program(t, "python3")
	server, forms := receiver(t, "")
	content := binary(1_000_000)
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	out, err := exec.Command(python, "-c", pythonUpload, server.URL, path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	got := await(t, forms)
	require.Equal(t, []string{"text=a b\r\nü"}, got.fields)
	require.Equal(t, []string{wanted("f", "naïve.bin", "image/x-y", content), wanted("f", "plain", "", []byte("x"))}, got.files)
}

// browserPage submits a form with the browser's own encoder, as a user would:
// fields, a chosen file with an awkward name, and an input left empty.
const browserPage = `<!doctype html><meta charset=utf-8>
<form method=post enctype=multipart/form-data action=/>
<input name="te&quot;xt" value="a b"><textarea name=lines></textarea><input type=hidden name=_charset_>
<input type=file name=f id=f multiple><input type=file name=none></form>
<script>
const content = new Uint8Array(300000);
for (let i = 0; i < content.length; i++) content[i] = (i * 7919) >> 3;
const chosen = new DataTransfer();
chosen.items.add(new File([content], 'a"b%22\u00fc\u65e5.bin', {type: "image/x-y"}));
chosen.items.add(new File(["\r\n--"], "C:\\x;y.txt", {type: "text/plain"}));
document.querySelector("textarea").value = "1\n2";
document.getElementById("f").files = chosen.files;
document.forms[0].submit();
</script>`

func TestUploadFromChromium(t *testing.T) {
	chromium := program(t, "chromium", "chromium-browser", "google-chrome")
	server, forms := receiver(t, browserPage)
	// It is not t.TempDir, because the browser's processes keep writing for a
	// moment after the browser has ended.
	profile, err := os.MkdirTemp("", "chromium")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(profile) })
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+profile, "--remote-debugging-port=0", server.URL)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	got := await(t, forms)
	content := make([]byte, 300_000)
	for i := range content {
		content[i] = byte(i * 7919 >> 3)
	}
	require.Equal(t, []string{`te"xt=a b`, "lines=1\r\n2", "_charset_=UTF-8"}, got.fields)
	require.Equal(t, []string{
		// The browser writes a quote as %22 and leaves a %22 unchanged, so both become the same.
		wanted("f", `a"b"ü日.bin`, "image/x-y", content),
		wanted("f", `C:\x;y.txt`, "text/plain", []byte("\r\n--")),
		wanted("none", "", "application/octet-stream", nil),
	}, got.files)
}

func TestCutConnectionAnswersNothingAndLeavesNothing(t *testing.T) {
	count := temporaries(t)
	failed := make(chan error, 1)
	server := httptest.NewServer(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		_, err := req.Files()
		failed <- err
		return nil, err
	}))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 9000000\r\n\r\n", multipartB)
	fmt.Fprintf(conn, "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n%s", strings.Repeat("x", 2_000_000))
	require.NoError(t, conn.Close())
	err = <-failed
	require.ErrorIs(t, err, httperror.BadRequest)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	server.Close()
	require.Zero(t, count())
}

// TestClientSeesThe413 posts more than is allowed. The client gets the
// response, not a broken connection. If the client waits for 100 Continue, none
// of the body is requested.
func TestClientSeesThe413(t *testing.T) {
	server := httptest.NewServer(wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		_, err := req.Files()
		return nil, err
	}))
	t.Cleanup(server.Close)

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 900000000\r\nExpect: 100-continue\r\n\r\n", multipartB)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, "with no 100 before it")

	chunked := &endless{start: "--B\r\nContent-Disposition: form-data; name=f\r\n\r\n", more: "x"}
	resp, err = http.Post(server.URL, multipartB, chunked)
	require.NoError(t, err)
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	resp.Body.Close()
}

const uploadVariable = "ZEUG_TEST_UPLOAD_SERVER"

// TestMain also runs this program as a server that receives one upload and
// reports its peak memory.
func TestMain(m *testing.M) {
	if how := os.Getenv(uploadVariable); how != "" {
		takeUpload(how)
		return
	}
	os.Exit(m.Run())
}

func takeUpload(how string) {
	app := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		req.Configure(wrappers.Settings{Limits: wrappers.Limits{Body: -1}})
		var size int64
		if how == "parts" {
			for part, err := range req.Parts() {
				if err != nil {
					return nil, err
				}
				n, err := io.Copy(sha256.New(), part)
				if err != nil {
					return nil, err
				}
				size += n
			}
		} else {
			files, err := req.Files()
			if err != nil {
				return nil, err
			}
			size = files.Get("f").Size
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return nil, err
		}
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		peak, _, _ = strings.Cut(peak, "kB")
		return wrappers.Text(fmt.Sprint(size, " ", strings.TrimSpace(peak))), nil
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: app}
	go server.Serve(listener)
	io.Copy(io.Discard, os.Stdin) // until the test is done
}

func TestUploadInConstantMemory(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("a large upload is for the long tests, and memory is read from /proc")
	}
	size := int64(1 << 28)
	if os.Getenv("CI") != "" {
		size = 1 << 30
	}
	peak := map[string]int{}
	for _, c := range []struct {
		how  string
		size int64
	}{{"parts", 1 << 20}, {"parts", size}, {"files", size}} {
		peak[fmt.Sprint(c.how, c.size)] = peakOfUpload(t, c.how, c.size)
	}
	t.Logf("peak memory in KiB: %v", peak)
	small := peak[fmt.Sprint("parts", 1<<20)]
	// The race detector's own memory is included.
	require.Less(t, peak[fmt.Sprint("parts", size)], small+16<<10, "a large file in parts")
	require.Less(t, peak[fmt.Sprint("files", size)], small+16<<10, "a large file to a temporary file")
}

// peakOfUpload sends a file to a server in a separate process and returns that
// process's peak memory, in KiB.
func peakOfUpload(t *testing.T, how string, size int64) int {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), uploadVariable+"="+how, "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Wait()
	defer stdin.Close()
	address, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)

	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		file, err := form.CreateFormFile("f", "x")
		block := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
		for sent := int64(0); err == nil && sent < size; sent += int64(len(block)) {
			_, err = file.Write(block)
		}
		if err == nil {
			err = form.Close()
		}
		writer.CloseWithError(err)
	}()
	resp, err := http.Post("http://"+strings.TrimSpace(address), form.FormDataContentType(), reader)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	got, kib, _ := strings.Cut(string(answer), " ")
	require.Equal(t, strconv.FormatInt(size, 10), got)
	peak, err := strconv.Atoi(kib)
	require.NoError(t, err)
	return peak
}
