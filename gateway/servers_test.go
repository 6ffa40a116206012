//go:build unix

package gateway_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/gateway/internal/echo/app"
	"github.com/zeugkit/zeug/gateway/scgi"
	"github.com/zeugkit/zeug/gateway/uwsgi"
	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/middleware"
)

// front is a running web server with the application behind it: its address,
// and the prefix at which each protocol is mounted.
type front struct {
	url     string
	secure  string // the same by HTTPS
	client  *http.Client
	mounted map[string]string
	plain   string // the prefix at which the application is behind HTTP
	local   string // the unix socket on which the server also listens for clients, or ""
}

// encrypt makes a certificate in dir, and the client that trusts it.
func (f *front) encrypt(t *testing.T, dir string) (cert, key, port string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(cryptorand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key, port = filepath.Join(dir, "cert"), filepath.Join(dir, "key"), freeport.Port(t)
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	roots := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	roots.AddCert(parsed)
	f.secure = "https://127.0.0.1:" + port
	f.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(f.client.CloseIdleConnections)
	return cert, key, port
}

type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// backends starts the application under each protocol, on TCP and on unix
// sockets, and returns their addresses.
func backends(t *testing.T, dir string) map[string]string {
	t.Helper()
	addresses := map[string]string{}
	for name, newServer := range map[string]func() server{
		"fastcgi": func() server { return &fastcgi.Server{Handler: waiting(app.New())} },
		"scgi":    func() server { return &scgi.Server{Handler: waiting(app.New())} },
		"uwsgi":   func() server { return &uwsgi.Server{Handler: waiting(app.New())} },
		"http":    func() server { return &http.Server{Handler: reference()} },
	} {
		for _, network := range []string{"tcp", "unix"} {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(dir, name+".sock")
			}
			l, err := net.Listen(network, address)
			require.NoError(t, err)
			if network == "unix" {
				require.NoError(t, os.Chmod(address, 0o666))
			}
			s := newServer()
			ended := startServing(s, l)
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				require.NoError(t, s.Shutdown(ctx))
				require.ErrorIs(t, <-ended, http.ErrServerClosed)
			})
			addresses[name+" over "+network] = l.Addr().String()
		}
	}
	return addresses
}

var began, left = make(chan struct{}, 1), make(chan struct{}, 1)

// waiting is the application with one more address, at which it sends nothing
// and waits until the client has left.
func waiting(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/wait") {
			app.ServeHTTP(w, r)
			return
		}
		began <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
}

// reference is the application behind HTTP. It reads the body to its end,
// because net/http would reset the connection of a proxy that still sends it.
func reference() http.Handler {
	return middleware.ProxyFix{For: 1}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.New().ServeHTTP(w, r)
		_, _ = io.Copy(io.Discard, r.Body)
	}))
}

func startServing(s server, l net.Listener) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return ended
}

// command starts a web server and waits until it answers.
func command(t *testing.T, url, logFile, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	// The output goes to a file instead of a pipe, which the server's own children would hold open.
	out, err := os.Create(logFile + ".out")
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	// A signal to the whole group ends an Apache that has several processes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
		_ = out.Close()
		if t.Failed() {
			said, _ := os.ReadFile(out.Name())
			logged, _ := os.ReadFile(logFile)
			t.Logf("%s said:\n%s\n%s", filepath.Base(path), said, logged)
		}
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get(url + "/up")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return true
	}, 15*time.Second, 20*time.Millisecond, "%s does not answer", path)
}

func startNginx(t *testing.T) front {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed: the gateways behind it are not tested")
	}
	// The folder has a short name: a unix socket's path can have 108 bytes.
	dir, err := os.MkdirTemp("", "zg")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	addresses := backends(t, dir)
	f := front{mounted: map[string]string{}}
	var locations strings.Builder
	location := func(name, prefix, pass, params, extra string) {
		f.mounted[name] = prefix
		protocol, _, _ := strings.Cut(name, " over ")
		// Debian's lists have the host without its port.
		extra += " " + protocol + "_param HTTP_HOST $http_host; " + protocol + "_param CONTENT_LENGTH $content_length;"
		fmt.Fprintf(&locations, "    location %s/ {\n      include %s;\n      %s\n      %s;\n    }\n", prefix, params, extra, pass)
	}
	// nginx's own lists of variables, with one more line if the application is to know its mount.
	params := func(protocol string) string {
		file := "/etc/nginx/" + protocol + "_params"
		if _, err := os.Stat(file); err != nil {
			t.Skipf("nginx's %s is not installed", file)
		}
		return file
	}
	// If nginx passes a body on as it comes, over SCGI it sends the length of the part that it has
	// so far.
	unbuffered := map[string]string{"fastcgi": "fastcgi_request_buffering off;", "uwsgi": "uwsgi_request_buffering off;"}
	for name, address := range addresses {
		protocol, network, _ := strings.Cut(name, " over ")
		if protocol == "http" {
			if f.plain = "/http"; network == "tcp" {
				fmt.Fprintf(&locations, `    location /http/ {
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_http_version 1.1; proxy_pass http://%s;
    }
`, address)
			}
			continue
		}
		pass := protocol + "_pass " + address
		if network == "unix" {
			pass = protocol + "_pass unix:" + address
		}
		prefix := "/" + protocol + "-" + network
		location(name, prefix, pass, params(protocol), "")
		location(name+", mounted", prefix+"-m", pass, params(protocol),
			fmt.Sprintf("%s_param SCRIPT_NAME %s-m; %s_buffering off; %s", protocol, prefix, protocol, unbuffered[protocol]))
	}
	port := freeport.Port(t)
	f.url, f.local = "http://127.0.0.1:"+port, filepath.Join(dir, "client")
	cert, key, securePort := f.encrypt(t, dir)
	config := fmt.Sprintf(`daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log info;
events {}
http {
  access_log off;
  client_max_body_size 100m;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; scgi_temp_path %[1]s/scgi; uwsgi_temp_path %[1]s/uwsgi;
  server {
    listen 127.0.0.1:%[2]s;
    listen unix:%[1]s/client;
    listen 127.0.0.1:%[4]s ssl;
    ssl_certificate %[5]s;
    ssl_certificate_key %[6]s;
%[3]s  }
}
`, dir, port, locations.String(), securePort, cert, key)
	file := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	command(t, f.url, filepath.Join(dir, "error.log"), path, "-c", file, "-e", filepath.Join(dir, "error.log"))
	return f
}

var echoFolder string // of the program for CGI, as long as the tests run

// echoProgram builds the program for CGI once.
var echoProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zg")
	if err != nil {
		return "", err
	}
	echoFolder = dir
	program := filepath.Join(dir, "echo.cgi")
	if out, err := exec.Command("go", "build", "-o", program, "./internal/echo").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(echoFolder)
	os.Exit(code)
}

// startApache starts Apache with processes of a kind, and a module for CGI.
func startApache(t *testing.T, mpm, cgi string, protocols ...string) front {
	t.Helper()
	path, err := exec.LookPath("apache2")
	if err != nil {
		t.Skip("apache2 is not installed: the gateways behind it are not tested")
	}
	const modules = "/usr/lib/apache2/modules/"
	dir, err := os.MkdirTemp("", "zg")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	addresses := backends(t, dir)
	f := front{mounted: map[string]string{}}
	var passes, loads strings.Builder
	for _, module := range []string{mpm, "authz_core", "unixd", "headers", "proxy", "proxy_http", "proxy_fcgi", "proxy_scgi", "proxy_uwsgi", cgi, "alias", "env", "ssl"} {
		file := modules + "mod_" + module + ".so"
		if _, err := os.Stat(file); err == nil {
			fmt.Fprintf(&loads, "LoadModule %s_module %s\n", module, file)
		} else if strings.HasPrefix(module, "proxy_") {
			t.Logf("Apache has no mod_%s: not tested", module)
		}
	}
	for name, address := range addresses {
		protocol, network, _ := strings.Cut(name, " over ")
		if !slices.Contains(protocols, protocol) {
			continue
		}
		scheme := map[string]string{"fastcgi": "fcgi", "scgi": "scgi", "uwsgi": "uwsgi", "http": "http"}[protocol]
		if _, err := os.Stat(modules + "mod_proxy_" + scheme + ".so"); err != nil || network == "unix" && protocol == "scgi" {
			continue
		}
		prefix := "/" + protocol + "-" + network
		to := scheme + "://" + address + "/"
		if network == "unix" {
			to = "unix:" + address + "|" + scheme + "://localhost/"
		}
		if protocol == "http" {
			if f.plain = "/http"; network == "tcp" {
				fmt.Fprintf(&passes, "ProxyPass /http/ %q nocanon\n", to)
			}
			continue
		}
		f.mounted[name] = prefix
		fmt.Fprintf(&passes, "ProxyPass %s/ %q\n", prefix, to)
	}
	program := filepath.Join(dir, "echo.cgi")
	built, err := echoProgram()
	require.NoError(t, err)
	require.NoError(t, os.Link(built, program))
	f.mounted["cgi"] = "/app.cgi"
	port := freeport.Port(t)
	f.url = "http://127.0.0.1:" + port
	cert, key, securePort := f.encrypt(t, dir)
	config := fmt.Sprintf(`ServerRoot %[1]s
PidFile %[1]s/pid
Listen 127.0.0.1:%[2]s
ServerName localhost
%[3]sErrorLog %[1]s/error.log
LogLevel warn
%[5]s
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
<IfModule cgid_module>
  ScriptSock %[1]s/cgid.sock
</IfModule>
ScriptAlias /app.cgi %[1]s/echo.cgi
<Directory %[1]s>
  Require all granted
  Options +ExecCGI
</Directory>
DocumentRoot %[1]s
%[4]s
Listen 127.0.0.1:%[6]s
SSLSessionCache none
<VirtualHost 127.0.0.1:%[6]s>
  AllowEncodedSlashes NoDecode
  SSLEngine on
  SSLCertificateFile %[7]s
  SSLCertificateKeyFile %[8]s
  %[4]s
</VirtualHost>
`, dir, port, loads.String(), passes.String(), user(), securePort, cert, key)
	file := filepath.Join(dir, "apache.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	command(t, f.url, filepath.Join(dir, "error.log"), path, "-f", file, "-DFOREGROUND")
	return f
}

// user is the user that Apache runs as: it refuses to be root.
func user() string {
	if os.Getuid() == 0 {
		return "User www-data\nGroup www-data"
	}
	return ""
}

func TestBehindNginx(t *testing.T) { testBehind(t, startNginx) }

// Apache has CGI in two modules, one for each kind of its processes. The rest of
// it is the same in both.
func TestBehindApache(t *testing.T) {
	for _, kind := range []struct {
		name, mpm, cgi string
		protocols      []string
	}{
		{"threads and mod_cgid", "mpm_event", "cgid", []string{"http", "cgi", "fastcgi", "scgi", "uwsgi"}},
		{"processes and mod_cgi", "mpm_prefork", "cgi", []string{"cgi"}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			testBehind(t, func(t *testing.T) front { return startApache(t, kind.mpm, kind.cgi, kind.protocols...) })
		})
	}
}

func testBehind(t *testing.T, start func(*testing.T) front) {
	if testing.Short() {
		t.Skip("starts web servers")
	}
	f := start(t)
	for name, prefix := range f.mounted {
		t.Run(name, func(t *testing.T) {
			base := f.url + prefix
			// nginx has variables for the mount; Apache sends it by itself, or does not, depending
			// on the protocol. If the mount is configured, it is the root path.
			mounted := strings.HasSuffix(name, ", mounted") || name == "cgi"
			path := "/a%2Fb%20%C3%A4//c"
			if strings.Contains(t.Name(), "Apache") && strings.HasPrefix(name, "uwsgi") {
				path = "/ab//c" // mod_proxy_uwsgi answers 500 to a space in a path
			}

			t.Run("a request arrives as it was sent", func(t *testing.T) {
				asked := get(t, base+path+"?x=1&y=%2B;z", "X-One", "1")
				require.Equal(t, prefix+path, asked.Root+asked.Path, "nothing is lost between the two")
				if mounted {
					require.Equal(t, prefix, asked.Root)
				}
				require.Equal(t, "x=1&y=%2B;z", asked.Query)
				require.Equal(t, "GET", asked.Method)
				require.Equal(t, "http", asked.Scheme)
				require.Equal(t, strings.TrimPrefix(f.url, "http://"), asked.Host)
				require.Equal(t, "127.0.0.1", asked.Client)
				require.Equal(t, "1", asked.Header.Get("X-One"))
				require.Empty(t, asked.Header.Get("Proxy"))
			})
			t.Run("a request by HTTPS has that scheme", func(t *testing.T) {
				resp, err := f.client.Get(f.secure + prefix + path)
				require.NoError(t, err)
				asked := decode(t, resp)
				require.Equal(t, "https", asked.Scheme)
				require.Equal(t, strings.TrimPrefix(f.secure, "https://"), asked.Host)
				require.Equal(t, "127.0.0.1", asked.Client)
				require.Equal(t, prefix+path, asked.Root+asked.Path)
			})
			t.Run("a body arrives to the byte", func(t *testing.T) {
				for _, size := range []int{0, 1, 100_000, 3_000_000} {
					body := make([]byte, size)
					rng := rand.New(rand.NewPCG(1, uint64(size)))
					for i := range body {
						body[i] = byte(rng.Uint32())
					}
					sum := sha256.Sum256(body)
					resp, err := http.Post(base+"/x", "application/octet-stream", bytes.NewReader(body))
					require.NoError(t, err)
					asked := decode(t, resp)
					require.EqualValues(t, size, asked.Length)
					require.Equal(t, hex.EncodeToString(sum[:]), asked.Sum)
					require.Equal(t, "application/octet-stream", asked.Header.Get("Content-Type"))
				}
			})
			t.Run("a long answer arrives to the byte", func(t *testing.T) {
				resp, err := http.Get(base + "/big?n=2000001")
				require.NoError(t, err)
				defer resp.Body.Close()
				n, err := io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				require.EqualValues(t, 2_000_001, n)
			})
			t.Run("status and header arrive", func(t *testing.T) {
				resp, err := http.Get(base + "/teapot")
				require.NoError(t, err)
				text, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, 418, resp.StatusCode)
				require.Equal(t, "short and stout\n", string(text))
				require.Equal(t, []string{"a=1", "b=2"}, resp.Header.Values("Set-Cookie"))
				resp, err = http.Get(base + "/none")
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, 304, resp.StatusCode)
			})
			t.Run("HEAD has no body", func(t *testing.T) {
				resp, err := http.Head(base + "/big?n=10")
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, 200, resp.StatusCode)
			})
			t.Run("a panic is 500 and the next request is served", func(t *testing.T) {
				resp, err := http.Get(base + "/panic")
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, 500, resp.StatusCode)
				require.Equal(t, "GET", get(t, base+"/x").Method)
			})
			t.Run("many at once", func(t *testing.T) {
				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						for j := range 5 {
							resp, err := http.Get(fmt.Sprintf("%s/p?i=%d&j=%d", base, i, j))
							if err != nil {
								t.Error(err)
								return
							}
							var asked app.Asked
							err = json.NewDecoder(resp.Body).Decode(&asked)
							_ = resp.Body.Close()
							if err != nil || asked.Query != fmt.Sprintf("i=%d&j=%d", i, j) {
								t.Errorf("answered %q, %v", asked.Query, err)
							}
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

// nginx closes its connection when it has lost the client, whether or not its data was read.
func TestAClientThatLeavesNginxIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a web server")
	}
	f := startNginx(t)
	for name, prefix := range f.mounted {
		for _, size := range []int{0, 100, 40_000} {
			t.Run(fmt.Sprintf("%s, with a body of %d bytes", name, size), func(t *testing.T) {
				conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
				require.NoError(t, err)
				_, err = fmt.Fprintf(conn, "POST %s/wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", prefix, size, strings.Repeat("x", size))
				require.NoError(t, err)
				select {
				case <-began:
				case <-time.After(10 * time.Second):
					require.Fail(t, "the handler was not called")
				}
				require.NoError(t, conn.Close())
				select {
				case <-left:
				case <-time.After(10 * time.Second):
					require.Fail(t, "the handler was not told")
				}
			})
		}
	}
}

func get(t *testing.T, url string, header ...string) app.Asked {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	return decode(t, resp)
}

func decode(t *testing.T, resp *http.Response) app.Asked {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(text))
	var asked app.Asked
	require.NoError(t, json.Unmarshal(text, &asked), string(text))
	return asked
}
