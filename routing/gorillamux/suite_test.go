package gorillamux_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheSuiteOfMux runs mux's own tests, from the module cache. Every request to a mux.Router is
// passed to a Router that FromRouter makes from it at that moment. Each test must have the same
// result as without this package.
func TestTheSuiteOfMux(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gorilla/mux").Output()
	require.NoError(t, err)
	source := strings.TrimSpace(string(out))
	plain := suite(t)
	require.Greater(t, len(plain), 300)
	bridged := suite(t, "-trimpath", "-modfile", bridgedBy(t, source)) // -trimpath: what is compiled does not depend on the folder
	require.Equal(t, "pass", bridged["TestDriver"])
	delete(bridged, "TestDriver")
	for name, how := range plain {
		require.Equal(t, how, bridged[name], name)
	}
	require.Len(t, bridged, len(plain))
}

// bridgedBy returns a go.mod that replaces mux by a copy in which ServeHTTP calls a Router.
func bridgedBy(t *testing.T, source string) string {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "mux"), os.DirFS(source)))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	router, err := os.ReadFile(filepath.Join(source, "mux.go"))
	require.NoError(t, err)
	method := ") ServeHTTP(w http.ResponseWriter, req *http.Request) {"
	require.Equal(t, 1, strings.Count(string(router), method))
	require.NoError(t, os.Remove(filepath.Join(dir, "mux/mux.go")))
	write("mux/mux.go", strings.Replace(string(router), method, strings.Replace(method, "ServeHTTP", "serveItself", 1), 1))
	write("mux/hook.go", `package mux

import "net/http"

// Bridge makes the handler that serves instead of a router.
var Bridge func(*Router) (http.Handler, error)

func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if h, err := Bridge(r); err == nil {
		h.ServeHTTP(w, req)
		return
	}
	r.serveItself(w, req)
}
`)
	write("mux/driver_test.go", `package mux_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/routing/gorillamux"
)

var bridged, refused int

func init() {
	mux.Bridge = func(r *mux.Router) (http.Handler, error) {
		m, err := gorillamux.FromRouter(r)
		if err != nil {
			refused++
			return nil, err
		}
		bridged++
		return m, nil
	}
}

func TestDriver(t *testing.T) {
	mux.NewRouter().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if bridged < 10 || refused > 10 {
		t.Fatalf("%d routers are bridged, %d refused", bridged, refused)
	}
}
`)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		write(name, string(text)+map[string]string{"go.mod": "\nreplace github.com/gorilla/mux => " + filepath.Join(dir, "mux") + "\n"}[name])
	}
	return filepath.Join(dir, "go.mod")
}

// suite runs mux's tests, and returns how each ended.
func suite(t *testing.T, flags ...string) map[string]string {
	args := append([]string{"test", "-json", "-vet=off"}, flags...)
	cmd := exec.Command("go", append(args, "github.com/gorilla/mux")...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	ended := map[string]string{}
	var failed strings.Builder
	for line := range strings.Lines(string(out)) {
		var event struct{ Action, Test, Output string }
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		switch event.Action {
		case "pass", "fail", "skip":
			if event.Test != "" {
				ended[event.Test] = event.Action
			}
		case "output":
			failed.WriteString(event.Output)
		}
	}
	require.NotEmpty(t, ended, "%s%s", failed.String(), stderr.String())
	return ended
}
