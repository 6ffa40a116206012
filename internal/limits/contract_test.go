package limits_test

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/limits/limitstest"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/middleware/ratelimit"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/security"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/acme"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/sessions/redisstore"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

var settingsName = regexp.MustCompile(`(Options|Settings|Config)$`)

// settingsStructs returns the exported structs of the repository that hold settings, as
// "middleware.Timeout" with the folder of their package: structs whose name says so, and
// middlewares. Programs and internal packages have no users, so the contract does not apply to
// them.
func settingsStructs(t *testing.T) map[string]bool {
	t.Helper()
	structs, wraps := map[string]bool{}, map[string]bool{}
	root := filepath.Join("..", "..")
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch base := entry.Name(); {
			case name == ".":
				return nil
			case exists(path.Join(root, name, "go.mod")), base == "internal", base == "testdata", strings.HasPrefix(base, "."), name == "cmd", name == "bench", name == "examples", name == "docs":
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if file.Name.Name == "main" {
			return nil
		}
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
						if _, ok := s.Type.(*ast.StructType); ok {
							structs[path.Dir(name)+"."+s.Name.Name] = settingsName.MatchString(s.Name.Name)
						}
					}
				}
			case *ast.FuncDecl:
				if d.Recv == nil || d.Name.Name != "Wrap" {
					continue
				}
				receiver := d.Recv.List[0].Type
				if pointer, ok := receiver.(*ast.StarExpr); ok {
					receiver = pointer.X
				}
				if id, ok := receiver.(*ast.Ident); ok {
					wraps[path.Dir(name)+"."+id.Name] = true
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	found := map[string]bool{}
	for name, named := range structs {
		if named || wraps[name] {
			found[name] = true
		}
	}
	return found
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

var quiet = slog.New(slog.DiscardHandler)

// withoutNumbers are settings without numbers, to which the contract does not apply.
var withoutNumbers = []any{
	datastructures.Options{}, middleware.AccessLog{}, middleware.CrossOriginProtection{}, middleware.Dispatcher{}, middleware.Lint{},
	middleware.Recover{}, middleware.RequestID{}, debugger.Debugger{}, routing.BuildOptions{}, routing.Options{}, acme.Config{},
	staticfiles.Shared{}, templates.Options{},
}

// elsewhere are settings that are tested in their own packages, because the test needs those.
var elsewhere = map[string]string{
	"gateway/fastcgi.Settings": "gateway/settings_test.go",
	"gateway/scgi.Settings":    "gateway/settings_test.go",
	"gateway/uwsgi.Settings":   "gateway/settings_test.go",
	"gateway/wsgi.Config":      "gateway/wsgi/config_internal_test.go",
}

// completed are structs that their package has checked and passes to users, so users do not set
// them.
var completed = []string{}

// checks has a check for each of the other structs.
var checks = map[string]func(*testing.T){
	"middleware.BodyLimit":           wrapping(middleware.BodyLimit{}, middleware.BodyLimit.Wrap),
	"middleware.CORS":                wrapping(middleware.CORS{Origins: []string{"https://a.example"}}, middleware.CORS.Wrap),
	"middleware.ConcurrencyLimit":    wrapping(middleware.ConcurrencyLimit{Requests: 2}, middleware.ConcurrencyLimit.Wrap),
	"middleware.ProxyFix":            wrapping(middleware.ProxyFix{}, middleware.ProxyFix.Wrap),
	"middleware.SecureHeaders":       wrapping(middleware.SecureHeaders{}, middleware.SecureHeaders.Wrap),
	"middleware.Timeout":             wrapping(middleware.Timeout{}, middleware.Timeout.Wrap),
	"middleware/compress.Compress":   wrapping(compress.Compress{}, compress.Compress.Wrap),
	"middleware/ratelimit.RateLimit": wrapping(ratelimit.RateLimit{Client: noRedis{}, Logger: quiet}, ratelimit.RateLimit.Wrap),
	"wrappers.Settings":              wrapping(wrappers.Settings{}, wrappers.Settings.Wrap),
	"middleware.HTTPProxy": func(t *testing.T) {
		upstream := httptest.NewServer(form)
		defer upstream.Close()
		wrapping(middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{"/": {URL: upstream.URL}}, Logger: quiet}, middleware.HTTPProxy.Wrap)(t)
	},
	"sessions.Manager": func(t *testing.T) {
		box, err := security.NewBox(bytes.Repeat([]byte("k"), 32))
		require.NoError(t, err)
		wrapping(sessions.Manager{Box: box}, func(m sessions.Manager, next http.Handler) http.Handler {
			return m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sessions.Get(r).Set("visits", 1)
				next.ServeHTTP(w, r)
			}))
		})(t)
	},
	"staticfiles.SharedData": func(t *testing.T) {
		files := fstest.MapFS{"a.css": {Data: []byte("a{}"), ModTime: time.Unix(1e9, 0)}}
		limitstest.Check(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", FS: files}}},
			func(t *testing.T, d staticfiles.SharedData) (int, error) {
				shared, err := d.Open()
				if err != nil {
					return 0, err
				}
				w := httptest.NewRecorder()
				h := shared.Wrap(http.NotFoundHandler())
				h.ServeHTTP(w, httptest.NewRequest("GET", "/static/a.css", nil))
				w = httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/static/a.css", nil))
				return w.Code, nil
			})
	},
	"staticfiles.SendOptions": func(t *testing.T) {
		limitstest.Check(t, staticfiles.SendOptions{DownloadName: "a.txt"}, func(t *testing.T, o staticfiles.SendOptions) (int, error) {
			resp, err := staticfiles.SendReader(strings.NewReader("text"), o)
			if err != nil {
				return 0, err
			}
			w := httptest.NewRecorder()
			resp.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			return w.Code, nil
		})
	},
	"sessions/redisstore.Options": func(t *testing.T) {
		client := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) { return nil, errNoRedis }})
		defer client.Close()
		limitstest.Check(t, redisstore.Options{}, func(t *testing.T, o redisstore.Options) (int, error) {
			store, err := redisstore.New(client, o)
			if err != nil {
				return 0, err
			}
			_, err = store.Load(t.Context(), "id")
			require.ErrorIs(t, err, errNoRedis)
			return http.StatusServiceUnavailable, nil
		})
	},
	"serving.Options": func(t *testing.T) {
		limitstest.Check(t, serving.Options{Logger: quiet}, func(t *testing.T, o serving.Options) (int, error) {
			s, err := serving.New(form, o)
			if err != nil {
				return 0, err
			}
			require.NoError(t, s.Listen("127.0.0.1:0"))
			ended := make(chan error, 1)
			go func() { ended <- s.Serve() }()
			conn, err := net.Dial("tcp", s.Addrs()[0].String())
			require.NoError(t, err)
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}}
			r := request(t)
			r.URL.Host, r.URL.Scheme, r.RequestURI = "x", "http", ""
			status := http.StatusGatewayTimeout // a limit has cut the connection
			if resp, err := client.Do(r); err == nil {
				status = resp.StatusCode
				_ = resp.Body.Close()
			}
			_ = conn.Close()
			require.NoError(t, s.Close())
			<-ended
			return status, nil
		})
	},
}

// noRedis cannot count.
type noRedis struct{ redis.Scripter }

var errNoRedis = errors.New("no Redis here")

func (noRedis) EvalSha(ctx context.Context, _ string, _ []string, _ ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(errNoRedis)
	return cmd
}

// form responds with the fields that it has read from a form.
var form = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	req := wrappers.NewRequest(r)
	if _, err := req.Files(); err != nil {
		wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, err }).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, strings.Repeat("text ", 1000))
})

// request is an upload.
func request(t *testing.T) *http.Request {
	t.Helper()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	require.NoError(t, parts.WriteField("field", "value"))
	file, err := parts.CreateFormFile("file", "a.txt")
	require.NoError(t, err)
	_, err = file.Write(bytes.Repeat([]byte("x"), 10000))
	require.NoError(t, err)
	require.NoError(t, parts.Close())
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", parts.FormDataContentType())
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Origin", "https://a.example")
	return r
}

// wrapping checks a middleware around the handler form.
func wrapping[T any](settings T, wrap func(T, http.Handler) http.Handler) func(*testing.T) {
	return func(t *testing.T) {
		limitstest.Check(t, settings, func(t *testing.T, s T) (int, error) {
			w := httptest.NewRecorder()
			wrap(s, form).ServeHTTP(w, request(t))
			return w.Code, nil
		})
	}
}

// TestSettingsKeepTheContract requires that each struct of settings is in one of the lists above.
func TestSettingsKeepTheContract(t *testing.T) {
	left := settingsStructs(t)
	for _, settings := range withoutNumbers {
		of := reflect.TypeOf(settings)
		name := strings.TrimPrefix(of.PkgPath(), "github.com/zeugkit/zeug/") + "." + of.Name()
		require.Contains(t, left, name)
		require.False(t, limitstest.HasNumbers(settings), "%s has a number now: check it", name)
		delete(left, name)
	}
	for _, name := range completed {
		require.Contains(t, left, name)
		delete(left, name)
	}
	for name, file := range elsewhere {
		require.Contains(t, left, name)
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		require.NoError(t, err)
		require.Contains(t, string(text), "limitstest.Check(t, ", name)
		delete(left, name)
	}
	for name, check := range checks {
		require.Contains(t, left, name)
		t.Run(name, check)
		delete(left, name)
	}
	require.Empty(t, slices.Sorted(maps.Keys(left)), "settings that nobody checks")
}
