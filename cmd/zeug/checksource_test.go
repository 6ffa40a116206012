//go:build unix

package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// checker is a sourceChecker whose checks are runs of a shell script.
func checker(t *testing.T, script string) (c *sourceChecker, log *lines) {
	log = &lines{}
	c, err := newSourceChecker(program(newRun(), nil, buildFlags{}), slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	c.program.Dir, c.folder = t.TempDir(), t.TempDir()
	c.command = []string{"sh", "-c", script}
	return c, log
}

func TestACheckEndsWithAllItsProcesses(t *testing.T) {
	c, _ := checker(t, "tail -f /dev/null >fifo & wait")
	fifo := filepath.Join(c.program.Dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.check(ctx, nil)
		ended <- err
	}()
	f, err := os.Open(fifo) // waits for the process that writes
	require.NoError(t, err)
	defer f.Close()
	cancel()
	_, err = io.ReadAll(f) // until no process has it open
	require.NoError(t, err)
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestACheckThatPrintsTooMuchFails(t *testing.T) {
	c, log := checker(t, "yes")
	for range 2 {
		_, err := c.check(t.Context(), nil)
		require.Error(t, err)
	}
	require.Equal(t, 1, strings.Count(log.String(), "zeug vet cannot check the program: --no-vet switches it off"), "it is said once")
}

func TestTheTerminalShowsFindingsOnce(t *testing.T) {
	c, log := checker(t, "cat found")
	found := func(text, says string) {
		t.Helper()
		before := len(log.String())
		write(t, c.program.Dir, "found", text)
		_, err := c.check(t.Context(), nil)
		require.NoError(t, err)
		said := log.String()[before:]
		if says == "" {
			require.Empty(t, said)
			return
		}
		require.Contains(t, said, says)
	}
	found(`[]`, "")
	found(`[{"file": "a.go", "line": 3, "column": 1, "message": "one"}]`, `level=WARN msg="zeug vet: 1 mistake" output="a.go:3:1: one\n"`)
	found(`[{"file": "a.go", "line": 4, "column": 1, "message": "one"}]`, "")
	found(`[{"file": "a.go", "line": 4, "column": 1, "message": "one"}, {"file": "b.html", "line": 4, "column": 1, "message": "two"}]`, `msg="zeug vet: 2 mistakes"`)
	found(`[]`, "zeug vet: no mistakes any more")
	found(`[]`, "")
}

func TestARunningProgramIsVetted(t *testing.T) {
	dir := begun(t)
	addr := "127.0.0.1:" + freeport.Port(t)
	log := &lines{}
	cmd := zeug(dir, "run", ".", "--", "-addr", addr)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	defer func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "it ends with 0: %s", log)
	}()
	says := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(log.String(), text) }, 3*time.Minute, 20*time.Millisecond, "%q in %s", text, log)
	}
	edit := func(name, before, after string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Contains(t, string(b), before)
		write(t, dir, name, strings.Replace(string(b), before, after, 1))
	}
	says("http://" + addr)
	edit("templates/hello.html", `url_for("index")`, `url_for("idnex")`)
	says(`no URL for endpoint \"idnex\": did you mean \"index\"?`)
	resp, err := http.Get("http://" + addr + "/.zeug/live")
	require.NoError(t, err)
	defer resp.Body.Close()
	stream := bufio.NewScanner(resp.Body)
	for stream.Scan() && stream.Text() != "event: mistakes" {
		continue
	}
	require.True(t, stream.Scan())
	require.Contains(t, stream.Text(), `data: {"count":1,"list":[{"place":"templates/hello.html:5:24","message":"no URL for endpoint \"idnex\"`)

	edit("main.go", `zeug.Get("/", index)`, `zeug.Get("/", index).Endpoint("idnex")`)
	says("zeug vet: no mistakes any more")
	edit("main.go", `req.Params.String("name")`, `req.Params.String("nme")`)
	says(`rule \"/hello/<name>\" has no variable \"nme\": did you mean \"name\"?`)
	require.Equal(t, 2, strings.Count(log.String(), "zeug vet: 1 mistake"), log)
}
