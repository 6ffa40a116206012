//go:build unix

package serving_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// block returns the block in docs/deployment.md that is marked with the language.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/deployment.md")
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(page), "\n```"+language+"\n")
	require.True(t, ok, language)
	text, _, _ := strings.Cut(after, "\n```\n")
	return text + "\n"
}

// tool skips a test if the program that it needs is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	if testing.Short() {
		t.Skip("several processes")
	}
	return path
}

// behind starts the test's program on a unix socket.
func behind(t *testing.T) (p *process, socket string) {
	socket = filepath.Join(t.TempDir(), "app.sock")
	p = launch(t, own(), "unix://"+socket)
	p.record(t, "running")
	return p, socket
}

// proxied checks that a proxy on this port does everything that an application needs.
func proxied(t *testing.T, port string) {
	t.Helper()
	url := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == 200
	}, time.Minute, 20*time.Millisecond)

	r, err := http.NewRequest("GET", url+"/origin?a=b;c", nil)
	require.NoError(t, err)
	r.Host = "example.org:8080"
	r.Header.Set("X-Forwarded-For", "203.0.113.1")
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	require.Equal(t, "http example.org:8080 127.0.0.1 /origin?a=b;c", string(b), "the client is the one that the proxy saw")

	// A stream reaches the client without delay.
	resp, err = http.Get(url + "/events")
	require.NoError(t, err)
	first := make([]byte, 9)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	require.Equal(t, "data: 1\n\n", string(first))
	resp.Body.Close()

	// A connection changes its protocol.
	c, reader := dial(t, "127.0.0.1:"+port, strings.Replace(handshake, "/ ", "/upgrade ", 1))
	resp, err = http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	fmt.Fprint(c, "ping")
	echo := make([]byte, 4)
	_, err = io.ReadFull(reader, echo)
	require.NoError(t, err)
	require.Equal(t, "ping", string(echo))

	// A body of any size goes through.
	resp, err = http.Post(url+"/size", "application/octet-stream", io.LimitReader(zeros{}, 5<<20))
	require.NoError(t, err)
	b, err = io.ReadAll(resp.Body)
	resp.Body.Close()
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(5<<20), string(b))
}

func TestDeployment(t *testing.T) {
	t.Parallel()
	t.Run("behind nginx", func(t *testing.T) {
		t.Parallel()
		nginx := tool(t, "nginx")
		_, socket := behind(t)
		dir, port := t.TempDir(), freeport.Port(t)
		site := strings.NewReplacer("/run/app/app.sock", socket, "listen 8080", "listen 127.0.0.1:"+port).Replace(block(t, "nginx"))
		config := "daemon off;\nmaster_process off;\npid " + dir + "/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			config += kind + "_temp_path " + dir + "/" + kind + ";\n"
		}
		name := filepath.Join(dir, "nginx.conf")
		require.NoError(t, os.WriteFile(name, []byte(config+site+"}\n"), 0o600))
		cmd := exec.Command(nginx, "-p", dir, "-c", name, "-e", "stderr")
		require.NoError(t, cmd.Start())
		defer func() {
			cmd.Process.Kill()
			cmd.Wait()
		}()
		proxied(t, port)
	})

	t.Run("behind Caddy", func(t *testing.T) {
		t.Parallel()
		caddy := tool(t, "caddy")
		_, socket := behind(t)
		dir, port := t.TempDir(), freeport.Port(t)
		config := "{\n\tadmin off\n\tauto_https off\n}\n" + strings.NewReplacer("/run/app/app.sock", socket, ":8081", "http://:"+port).Replace(block(t, "caddy"))
		name := filepath.Join(dir, "Caddyfile")
		require.NoError(t, os.WriteFile(name, []byte(config), 0o600))
		cmd := exec.Command(caddy, "run", "--adapter", "caddyfile", "--config", name)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
		require.NoError(t, cmd.Start())
		defer func() {
			cmd.Process.Kill()
			cmd.Wait()
		}()
		proxied(t, port)
	})

	t.Run("by units of systemd", func(t *testing.T) {
		t.Parallel()
		analyze := tool(t, "systemd-analyze")
		dir := t.TempDir()
		program := filepath.Join(dir, "program")
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755))
		service := strings.Replace(block(t, "systemd-service"), "/srv/app/app", program, 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app.service"), []byte(service), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app.socket"), []byte(block(t, "systemd-socket")), 0o600))
		cmd := exec.Command(analyze, "verify", "--man=no", filepath.Join(dir, "app.socket"), filepath.Join(dir, "app.service"))
		cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		for line := range strings.Lines(string(out)) {
			require.NotContains(t, line, dir, "a complaint about the units of the page")
		}
	})

	t.Run("as process 1 of a container", func(t *testing.T) {
		t.Parallel()
		unshare := tool(t, "unshare")
		// The Go version of the Dockerfile.
		require.Contains(t, block(t, "dockerfile"), `CGO_ENABLED=0 go build -trimpath -ldflags="-s -w"`)
		if err := exec.Command(unshare, "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
			t.Skip("this user may make no namespaces")
		}
		p := launch(t, exec.Command(unshare, "--pid", "--fork", "--mount-proc", "--kill-child", os.Args[0]), "127.0.0.1:0")
		addr := p.address(t)
		require.Equal(t, "1", get(t, http.DefaultClient, "http://"+addr))
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Process.Pid, p.Process.Pid))
		require.NoError(t, err)
		inner, err := strconv.Atoi(strings.TrimSpace(string(children)))
		require.NoError(t, err)
		child := make(chan string, 1)
		go func() { child <- get(t, &http.Client{Transport: &http.Transport{}}, "http://"+addr+"/child") }()
		for range 5 {
			get(t, http.DefaultClient, "http://"+addr+"/orphan")
		}
		require.Eventually(t, func() bool { return len(zombiesOf(inner)) > 1 }, time.Minute, 5*time.Millisecond, "the orphans have ended")
		require.Eventually(t, func() bool { return len(zombiesOf(inner)) <= 1 }, time.Minute, 5*time.Millisecond, "they are collected")
		require.Equal(t, "exit status 3", <-child, "a child of the application's own is left to it")
		require.Empty(t, zombiesOf(inner))
		require.NoError(t, syscall.Kill(inner, syscall.SIGHUP))
		require.Contains(t, p.record(t, "the new process did not take over; this one goes on")["err"], "process 1 of a container")
		require.Equal(t, "1", get(t, http.DefaultClient, "http://"+addr))
		require.NoError(t, syscall.Kill(inner, syscall.SIGTERM))
		require.NoError(t, p.Wait(), "it drained and exited with 0")
	})
}

// zombiesOf returns the zombies among the children of a process.
func zombiesOf(pid int) (zombies []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		b, _ := os.ReadFile(file)
		_, after, _ := strings.Cut(string(b), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[0] == "Z" && fields[1] == strconv.Itoa(pid) {
			zombies = append(zombies, string(b))
		}
	}
	return zombies
}
