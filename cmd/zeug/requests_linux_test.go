package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// TestRequestsOutliveTheProgram sends a request to a program, changes the program, sends the
// request again from its page, and runs the test that is copied from there in the program's
// folder.
func TestRequestsOutliveTheProgram(t *testing.T) {
	dir := begun(t, "--api")
	log := &lines{}
	cmd := zeug(dir, "run", "--", "-addr", "127.0.0.1:0")
	cmd.Env = append(cmd.Env, "ZEUG_DEBUG_PIN=off")
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have failed to start
		require.NoError(t, <-ended)
	}()
	address := ""
	require.Eventually(t, func() bool {
		address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(log.String())
		return address != "" || len(ended) > 0
	}, 5*time.Minute, 20*time.Millisecond, "%s", log)

	client := webtest.Live(t, address)
	client.Post("/notes/", webtest.JSON(map[string]string{"text": "Buy milk"})).Expect(201)
	client.Get("/notes/").Expect(200)
	client.Get("/notes/7").Expect(404)
	list := client.Get("/.zeug/requests/").Expect(200)
	require.Equal(t, []string{"/notes/7", "/notes/", "/notes/"}, list.HTML("#rows a").Map(func(_ int, a *goquery.Selection) string { return a.Text() }))
	require.Equal(t, 1, client.Get("/.zeug/requests/?status=404").HTML("#rows a").Length())

	page := client.Get("/.zeug/requests/1").Expect(200)
	require.Eventually(t, func() bool { // the program sends it after the response
		text := client.Get("/.zeug/requests/3").HTML("body").Text()
		return strings.Contains(text, "matched /notes/<int:id>, endpoint show") && strings.Contains(text, "Paramsid7")
	}, time.Minute, 10*time.Millisecond)
	require.Contains(t, page.HTML("#body").Text(), `"text": "Buy milk"`)
	require.Contains(t, client.Get("/.zeug/requests/3").HTML(".timeline").Text(), "view main.")
	source := client.Get("/.zeug/requests/1/test").Expect(200).Text()
	require.Contains(t, source, "func TestPostNotes(t *testing.T) {\n\tclient := webtest.New(t, newApp())\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "copied_test.go"), []byte(source), 0o600))
	test := exec.Command("go", "test", "-run", "TestPostNotes", "-v", ".")
	test.Dir, test.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := test.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, source)
	require.Contains(t, string(out), "--- PASS: TestPostNotes")

	file := filepath.Join(dir, "main.go")
	program, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := strings.Replace(string(program), `n.ID = len(a.notes) + 1`, `n.ID = len(a.notes) + 41`, 1)
	require.NotEqual(t, string(program), changed)
	require.NoError(t, os.WriteFile(file, []byte(changed), 0o600))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "detected change") }, time.Minute, 10*time.Millisecond)
	page = page.Submit(`.tools form[action="1/again"]`, nil, webtest.Follow).Expect(200)
	require.Equal(t, `-  "id": 1,`, page.HTML(".difference .gone").Text())
	require.Equal(t, `+  "id": 41,`, page.HTML(".difference .new").Text())
	require.Contains(t, page.HTML("main").Text(), "Location: /notes/1 /notes/41")
	require.Contains(t, client.Get("/.zeug/requests/").HTML("#rows").Text(), "again", "the list has outlived the program")

	client.Get("/.zeug/requests/3").Submit(`form[action="3/want"]`, nil).Expect(303)
	client.Get("/notes/8").Expect(404)
	profiled := ""
	require.Eventually(t, func() bool {
		profiled = client.Get("/.zeug/requests/").HTML(`#rows a:contains("profile")`).AttrOr("href", "")
		return profiled != ""
	}, time.Minute, 10*time.Millisecond)
	page = client.Get("/.zeug/requests/" + profiled).Expect(200)
	require.Contains(t, page.HTML("h2").Text(), "Allocations: ")
	require.Contains(t, page.HTML("#waits").Text(), "Waits: ", "%s", page.HTML("main").Text())
	require.NotContains(t, log.String(), "cpu profile rate")

	command := client.Get("/.zeug/requests/1/curl").Expect(200).Text()
	shell := exec.Command("sh", "-c", command)
	out, err = shell.Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"id":42`)
	client.Post("/.zeug/requests/1/again", webtest.FromPage("https://evil.example/")).Expect(403)
	client.Get(fmt.Sprintf("/.zeug/requests/%d", 1), webtest.Header("Host", "evil.example")).Expect(403)
}
