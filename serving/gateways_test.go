//go:build unix

package serving_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
)

// shortDir returns a folder for sockets, whose paths have a maximum length;
// other users may enter it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zs")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

var behindFolder string // of the program, as long as the tests run

var behindProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zb")
	if err != nil {
		return "", err
	}
	behindFolder = dir
	program := filepath.Join(dir, "app.cgi")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/behind").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, os.Chmod(dir, 0o755)
})

// program builds the program of the tests once.
func program(t *testing.T) string {
	t.Helper()
	path, err := behindProgram()
	require.NoError(t, err)
	return path
}

// urls returns the next n addresses that a process says it serves at.
func (p *process) urls(t *testing.T, n int) (urls []string) {
	t.Helper()
	for range n {
		urls = append(urls, p.record(t, "running")["url"].(string))
	}
	return urls
}

// daemon starts a web server that stays in the foreground.
func daemon(t *testing.T, url string, cmd *exec.Cmd) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		out.Close()
		if t.Failed() {
			said, _ := os.ReadFile(out.Name())
			t.Logf("%s", said)
		}
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, time.Minute, 20*time.Millisecond, "%s does not answer", cmd.Path)
}

// certificate writes a certificate for 127.0.0.1 into dir.
func certificate(t *testing.T, dir string) (cert, key string, client *http.Client) {
	t.Helper()
	config, err := certs.SelfSigned()()
	require.NoError(t, err)
	pair := config.Certificates[0]
	secret, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600))
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return cert, key, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

// nginx starts nginx with these locations, over HTTP and HTTPS.
func nginx(t *testing.T, locations string) (plain, secure string, client *http.Client) {
	t.Helper()
	path := tool(t, "nginx")
	dir := shortDir(t)
	cert, key, client := certificate(t, dir)
	plain, secure = "127.0.0.1:"+freeport.Port(t), "127.0.0.1:"+freeport.Port(t)
	config := "daemon off;\nworker_processes 1;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	config += fmt.Sprintf("client_max_body_size 0;\nserver {\nlisten %s;\nlisten %s ssl;\nssl_certificate %s;\nssl_certificate_key %s;\n%s}\n}\n", plain, secure, cert, key, locations)
	name := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(name, []byte(config), 0o600))
	daemon(t, "http://"+plain, exec.Command(path, "-p", dir, "-c", name, "-e", "stderr"))
	return plain, secure, client
}

// location passes requests below prefix to the application at an address of package listen.
func location(prefix, address string) string {
	protocol, socket, _ := strings.Cut(address, "://")
	if strings.HasPrefix(socket, "/") {
		socket = "unix:" + socket
	}
	return fmt.Sprintf(`location %[2]s/ {
    include /etc/nginx/%[1]s_params;
    %[1]s_param HTTP_HOST $http_host;
    %[1]s_param SCRIPT_NAME %[2]s;
    %[1]s_buffering off;
    %[1]s_pass %[3]s;
}
`, protocol, prefix, socket)
}

func TestOneProgramBehindEveryProtocolOfNginx(t *testing.T) {
	t.Parallel()
	tool(t, "nginx")
	dir := shortDir(t)
	p := launch(t, exec.Command(program(t)), "", "APP_ADDRS=127.0.0.1:0 fastcgi://"+dir+"/f.sock fastcgi://127.0.0.1:0 scgi://"+dir+
		"/s.sock scgi://127.0.0.1:0 uwsgi://unix:"+dir+"/u.sock uwsgi://127.0.0.1:0 unix:"+dir+"/h.sock")
	urls := p.urls(t, 8)
	for i, begins := range []string{
		"http://127.0.0.1:", "fastcgi://" + dir + "/f.sock", "fastcgi://127.0.0.1:", "scgi://" + dir + "/s.sock", "scgi://127.0.0.1:",
		"uwsgi://" + dir + "/u.sock", "uwsgi://127.0.0.1:", "unix://" + dir + "/h.sock",
	} {
		require.True(t, strings.HasPrefix(urls[i], begins), "%s is said as %s", begins, urls[i])
	}
	for _, name := range []string{"f.sock", "s.sock", "u.sock", "h.sock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o666), info.Mode().Perm(), "Options.SocketMode")
	}
	locations, mounts := "", []string{}
	for i, url := range urls[1:7] {
		mount := fmt.Sprintf("/m%d", i)
		mounts = append(mounts, mount)
		locations += location(mount, url)
	}
	plain, secure, client := nginx(t, locations)
	for i, mount := range mounts {
		t.Run(urls[i+1], func(t *testing.T) {
			root := "http://" + plain + mount
			require.Equal(t, root+"/a%2Fb?c=d "+root+"/ 127.0.0.1 0", get(t, http.DefaultClient, root+"/a%2Fb?c=d"))
			root = "https://" + secure + mount
			require.Equal(t, root+"/ "+root+"/ 127.0.0.1 0", get(t, client, root+"/"))
			require.Equal(t, "ok\n", get(t, client, root+"/healthz"), "what the server answers by itself")

			resp, err := client.Post(root+"/size", "application/octet-stream", io.LimitReader(zeros{}, 5<<20))
			require.NoError(t, err)
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(text), fmt.Sprint(" ", 5<<20)), string(text))
		})
	}

	t.Run("SIGTERM finishes what runs, ends streams, and removes the sockets", func(t *testing.T) {
		streams, answers := []*bufio.Reader{}, make(chan string, len(mounts))
		for _, mount := range mounts {
			r, err := http.NewRequest("GET", "http://"+plain+mount+"/events", nil)
			require.NoError(t, err)
			r.Header.Set("Accept", "text/event-stream")
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close()
			stream := bufio.NewReader(resp.Body)
			first, err := stream.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "data: 1\n", first)
			streams = append(streams, stream)
			go func() { answers <- get(t, http.DefaultClient, "http://"+plain+mount+"/?sleep=400ms") }()
		}
		for range mounts {
			p.record(t, "sleeping")
		}
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		for _, stream := range streams {
			rest, err := io.ReadAll(stream)
			require.NoError(t, err)
			require.Equal(t, "\ndata: the end\n\n", string(rest))
		}
		for range mounts {
			require.Contains(t, <-answers, " 127.0.0.1 0")
		}
		require.NoError(t, p.Wait(), "exit code 0")
		for _, name := range []string{"f.sock", "s.sock", "u.sock", "h.sock"} {
			require.NoFileExists(t, filepath.Join(dir, name))
		}
	})
}

func TestSIGHUPHandsOverBehindNginx(t *testing.T) {
	t.Parallel()
	tool(t, "nginx")
	dir := shortDir(t)
	socket := dir + "/f.sock"
	p := launch(t, exec.Command(program(t)), "", "APP_ADDRS=fastcgi://"+socket)
	require.Equal(t, []string{"fastcgi://" + socket}, p.urls(t, 1))
	plain, _, _ := nginx(t, location("/m", "fastcgi://"+socket))
	var asked, stop atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for stop.Load() == 0 {
				resp, err := http.Post("http://"+plain+"/m/", "text/plain", strings.NewReader("x"))
				if err != nil || resp.StatusCode != 200 {
					t.Errorf("%v: %v", resp, err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				asked.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return asked.Load() > 50 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	pid := int(p.record(t, "the new process has taken over")["pid"].(float64))
	require.NoError(t, p.Wait(), "the first process drained")
	before := asked.Load()
	require.Eventually(t, func() bool { return asked.Load() > before+50 }, time.Minute, 5*time.Millisecond)
	stop.Store(1)
	clients.Wait()
	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	require.Eventually(t, func() bool { _, err := os.Stat(socket); return err != nil }, time.Minute, 5*time.Millisecond)
}

func TestOneProgramByCGIOfApache(t *testing.T) {
	t.Parallel()
	apache := tool(t, "apache2")
	dir, port := shortDir(t), freeport.Port(t)
	cert, key, client := certificate(t, dir)
	secure := freeport.Port(t)
	var loads strings.Builder
	for _, module := range []string{"mpm_event", "authz_core", "cgid", "alias", "env", "ssl"} {
		fmt.Fprintf(&loads, "LoadModule %s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", module)
	}
	if os.Getuid() == 0 {
		loads.WriteString("User www-data\nGroup www-data\n")
	}
	config := fmt.Sprintf(`ServerRoot %[1]s
PidFile %[1]s/pid
Listen 127.0.0.1:%[2]s
Listen 127.0.0.1:%[3]s
ServerName localhost
%[4]sErrorLog /dev/stderr
AllowEncodedSlashes NoDecode
ScriptSock %[1]s/cgid.sock
ScriptAlias /app %[5]s
<Directory />
  Require all granted
  Options +ExecCGI
</Directory>
SSLSessionCache none
<VirtualHost 127.0.0.1:%[3]s>
  SSLEngine on
  SSLCertificateFile %[6]s
  SSLCertificateKeyFile %[7]s
</VirtualHost>
`, dir, port, secure, loads.String(), program(t), cert, key)
	name := filepath.Join(dir, "apache.conf")
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(config, "/dev/stderr", dir+"/log", 1)), 0o600))
	daemon(t, "http://127.0.0.1:"+port, exec.Command(apache, "-f", name, "-DFOREGROUND"))

	root := "http://127.0.0.1:" + port + "/app"
	require.Equal(t, root+"/a%2Fb?c=d "+root+"/ 127.0.0.1 0", get(t, http.DefaultClient, root+"/a%2Fb?c=d"))
	root = "https://127.0.0.1:" + secure + "/app"
	require.Equal(t, root+"/ "+root+"/ 127.0.0.1 0", get(t, client, root+"/"))
	resp, err := client.Post(root+"/size", "application/octet-stream", bytes.NewReader(make([]byte, 3<<20)))
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), fmt.Sprint(" ", 3<<20)), string(text))
	log, err := os.ReadFile(dir + "/log")
	require.NoError(t, err)
	require.NotContains(t, string(log), `"msg"`, "the program has nothing to say")
}

func TestAnInheritedSocketSpeaksFastCGI(t *testing.T) {
	t.Parallel()
	tool(t, "nginx")
	socket := shortDir(t) + "/f.sock"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, os.Chmod(socket, 0o666))
	file, err := l.File()
	require.NoError(t, err)
	defer file.Close()
	cmd := exec.Command(program(t))
	cmd.Stdin = file
	p := launch(t, cmd, "", "APP_ADDRS=127.0.0.1:1")
	require.Equal(t, []string{"fastcgi://" + socket}, p.urls(t, 1))
	plain, _, _ := nginx(t, location("/m", "fastcgi://"+socket))
	root := "http://" + plain + "/m"
	require.Equal(t, root+"/x "+root+"/ 127.0.0.1 0", get(t, http.DefaultClient, root+"/x"))
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait())
	require.FileExists(t, socket, "it is the parent's")
}

func TestAConnectionAsStandardInputIsNoFastCGI(t *testing.T) {
	t.Parallel()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := own()
	cmd.Stdin = theirs
	p := launch(t, cmd, "127.0.0.1:0")
	theirs.Close()
	require.Contains(t, p.record(t, "running")["url"], "http://127.0.0.1:")
}

func TestGatewayAddressesAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ addr, says string }{
		"a protocol alone":              {"fastcgi://", "write it after that, as in fastcgi:///run/app.sock"},
		"a unix socket without path":    {"scgi://unix:", "needs a path"},
		"a port that is not a number":   {"uwsgi://127.0.0.1:http!", `write "host:port"`},
		"a socket in no folder":         {"fastcgi:///no/such/folder/s", "does not exist: make it first"},
		"an invalid descriptor":         {"fastcgi://fd://99", "is not a listening socket"},
		"a protocol that is not spoken": {"fcgi://127.0.0.1:9000", `write "host:port"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := serving.Run(c.addr, http.NotFoundHandler(), serving.Options{})
			require.ErrorContains(t, err, c.says)
			require.Equal(t, 78, serving.ExitCode(err))
		})
	}
}

func TestLimitsHoldBehindGateways(t *testing.T) {
	t.Parallel()
	s, err := serving.New(http.HandlerFunc(hello), serving.Options{HeaderTimeout: time.Second, NoAccessLog: true, MaxConnections: 1})
	require.NoError(t, err)
	require.NoError(t, s.Listen("scgi://127.0.0.1:0"))
	go s.Serve()
	defer s.Close()
	addr := s.Addrs()[0].String()
	c, _ := dial(t, addr, "70:CONTENT_LENGTH")
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Empty(t, text, "clients that speak another protocol get no HTTP response")
	// The only connection that may be open is free again.
	head := "CONTENT_LENGTH\x000\x00SCGI\x001\x00REQUEST_METHOD\x00GET\x00REQUEST_URI\x00/\x00"
	c, _ = dial(t, addr, fmt.Sprintf("%d:%s,", len(head), head))
	text, err = io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(text), "Status: 200 OK\r\n")
}

func TestCGIWithoutAServerBesides(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(program(t))
	cmd.Env = append(os.Environ(), "GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1", "SCRIPT_NAME=/m",
		"PATH_INFO=/x", "SERVER_NAME=example.org", "SERVER_PORT=443", "HTTPS=on", "REMOTE_ADDR=192.0.2.7")
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhttps://example.org/m/x https://example.org/m/ 192.0.2.7 0", string(out))
}

// TestDeploymentBehindGateways runs the configuration of docs/deployment.md.
func TestDeploymentBehindGateways(t *testing.T) {
	t.Parallel()
	path := tool(t, "nginx")
	dir, port := shortDir(t), freeport.Port(t)
	p := launch(t, exec.Command(program(t)), "", "APP_ADDRS=fastcgi://"+dir+"/app.sock scgi://"+dir+"/tools.sock")
	p.urls(t, 2)
	site := strings.NewReplacer("/run/app/", dir+"/", "listen 8083", "listen 127.0.0.1:"+port, "include ", "include /etc/nginx/").Replace(block(t, "nginx-gateways"))
	config := "daemon off;\nmaster_process off;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	name := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(name, []byte(config+site+"}\n"), 0o600))
	root := "http://127.0.0.1:" + port
	daemon(t, root, exec.Command(path, "-p", dir, "-c", name, "-e", "stderr"))
	require.Equal(t, root+"/x?y "+root+"/ 127.0.0.1 0", get(t, http.DefaultClient, root+"/x?y"))
	require.Equal(t, root+"/tools/x "+root+"/tools/ 127.0.0.1 0", get(t, http.DefaultClient, root+"/tools/x"))
	for _, path := range []string{"/x", "/tools/x"} {
		resp, err := http.Post(root+path, "application/octet-stream", io.LimitReader(zeros{}, 5<<20))
		require.NoError(t, err)
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode, "a body of any size goes through")
		require.Contains(t, string(b), fmt.Sprint(" 127.0.0.1 ", 5<<20))
	}
}
