//go:build unix

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// pythonDocs returns the first block in docs/python.md that is marked with the language.
func pythonDocs(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/python.md")
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(page), "\n```"+language+"\n")
	require.True(t, ok, language)
	text, _, _ := strings.Cut(after, "\n```\n")
	return text + "\n"
}

func settingOf(t *testing.T, unit, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(unit)
	require.NotNil(t, m, name)
	return m[1]
}

// installed skips a test if the program that it needs is not installed.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip(name + " is not installed")
	}
	return path
}

func TestTheUnitsAndTheSiteOfTheDocs(t *testing.T) {
	python := withFlask(t)
	activate, nginx := installed(t, "systemd-socket-activate"), installed(t, "nginx")
	dir, run := flaskProject(t), t.TempDir()
	require.NoError(t, os.Rename(filepath.Join(dir, "flask_app.py"), filepath.Join(dir, "shop.py")))
	socket, service, site := pythonDocs(t, "systemd-socket"), pythonDocs(t, "systemd-service"), pythonDocs(t, "nginx")
	own := func(setting string) []string {
		words := strings.Fields(strings.ReplaceAll(setting, "/run/shop", run))
		require.Equal(t, "/usr/local/bin/zeug", words[0])
		return words[1:]
	}

	addr := "127.0.0.1:" + freeport.Port(t)
	args := append([]string{"-l", addr, "-E", "TEST_ZEUG", "-E", "XDG_RUNTIME_DIR", os.Args[0]}, own(settingOf(t, service, "ExecStart"))...)
	cmd := exec.Command(activate, append(args, "--python", python)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TEST_ZEUG=1", "XDG_RUNTIME_DIR="+run)
	log := &lines{}
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait(), "%s", log)
	}()
	get := func(url string) string {
		t.Helper()
		var body string
		require.Eventually(t, func() bool {
			resp, err := http.Get(url)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			body = string(b)
			return err == nil && resp.StatusCode == http.StatusOK
		}, time.Minute, 50*time.Millisecond, "%s", log)
		return body
	}
	require.Equal(t, "one", get("http://"+addr+"/"))

	front := "127.0.0.1:" + freeport.Port(t)
	require.Contains(t, site, "http://127.0.0.1:"+settingOf(t, socket, "ListenStream")+";")
	site = strings.NewReplacer("listen 8080", "listen "+front, "127.0.0.1:8084", addr).Replace(site)
	config := "daemon off;\nmaster_process off;\npid " + run + "/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += kind + "_temp_path " + run + "/" + kind + ";\n"
	}
	write(t, run, "nginx.conf", config+site+"}\n")
	proxy := exec.Command(nginx, "-p", run, "-c", filepath.Join(run, "nginx.conf"), "-e", "stderr")
	require.NoError(t, proxy.Start())
	defer func() {
		proxy.Process.Kill()
		proxy.Wait()
	}()
	require.Equal(t, "http://"+front+"/who 127.0.0.1", get("http://"+front+"/who"))

	write(t, dir, "shop.py", strings.Replace(flaskApp, `"one"`, `"two"`, 1))
	reload := zeug(dir, own(settingOf(t, service, "ExecReload"))...)
	out, err := reload.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, "two", get("http://"+front+"/"))
	write(t, dir, "shop.py", "import nosuchmodule\n")
	out, err = zeug(dir, own(settingOf(t, service, "ExecReload"))...).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "No module named 'nosuchmodule'")
	require.Equal(t, "two", get("http://"+front+"/"))
}

// Each flag that the docs name exists, and the help describes each flag of the command.
func TestTheFlagsOfTheDocsAreThere(t *testing.T) {
	page, err := os.ReadFile("../../docs/python.md")
	require.NoError(t, err)
	help, _, code := output(t, ".", "serve", "--help")
	require.Equal(t, 0, code)
	known := map[string]bool{"json": true}
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z0-9-]+)`).FindAllStringSubmatch(help, -1) {
		known[m[1]] = true
	}
	_, after, ok := strings.Cut(string(page), "| gunicorn | zeug serve |\n")
	require.True(t, ok)
	table, rest, _ := strings.Cut(after, "\n\n")
	text := strings.Replace(string(page), table, "", 1)
	for row := range strings.Lines(table) {
		if cells := strings.Split(row, "|"); len(cells) > 2 {
			text += cells[2]
		}
	}
	require.NotEmpty(t, rest)
	for _, m := range regexp.MustCompile("`[^`\n]*`").FindAllString(text, -1) {
		if strings.HasPrefix(m, "`go ") || strings.HasPrefix(m, "`apt ") {
			continue
		}
		for _, flag := range regexp.MustCompile(`--([a-z0-9][a-z0-9-]*)`).FindAllStringSubmatch(m, -1) {
			require.True(t, known[flag[1]], fmt.Sprintf("--%s in %s", flag[1], m))
		}
	}
}
