package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// siteWith copies a program without mistakes, and replaces pairs of strings in its main.go.
func siteWith(t *testing.T, replace ...string) (dir string) {
	dir, err := os.MkdirTemp("vet/testdata", "copy")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.CopyFS(dir, os.DirFS("vet/testdata/site")))
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(strings.NewReplacer(replace...).Replace(string(text))), 0o644))
	return dir
}

func vetted(args ...string) (out string, err error) {
	cmd := newCommand()
	var b strings.Builder
	cmd.SetOut(&b)
	cmd.SetArgs(append([]string{"vet"}, args...))
	err = cmd.Execute()
	return b.String(), err
}

func TestVet(t *testing.T) {
	dir := siteWith(t, `req.URL("list")`, `req.URL("lits")`, `"img/logo.svg"`, `"img/lgo.svg"`, `req.URL("show", "id", 7)`, `req.URL("show")`)
	out, err := vetted("./" + dir)
	require.ErrorIs(t, err, errFindings)
	require.Equal(t, 3, strings.Count(out, "\n"), out)
	require.Contains(t, out, filepath.Join(dir, "main.go")+`:75:31: no URL for endpoint "lits": did you mean "list"?`)

	out, err = vetted("--json", "./"+dir)
	require.ErrorIs(t, err, errFindings)
	var list []finding
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list, 3)
	require.Equal(t, "urls", list[0].Kind)
	require.Equal(t, `"list"`, list[0].Fix)

	out, err = vetted("--fix", "./"+dir)
	require.ErrorIs(t, err, errFindings, "one has no sure correction")
	require.Equal(t, 1, strings.Count(out, "\n"), out)
	require.Contains(t, out, "values are missing: id")
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	require.NoError(t, err)
	require.Contains(t, string(text), `req.URL("list")`)
	require.Contains(t, string(text), `"img/logo.svg"`)
}

func TestVetSkips(t *testing.T) {
	dir := siteWith(t, `zeug.Get("/", index)`, `zeug.Get("/"+os.Args[0], index)`, `"net/http"`, "\"net/http\"\n\t\"os\"", `req.URL("list")`, `req.URL("lits")`)
	out, err := vetted("-v", "./"+dir)
	require.NoError(t, err, "the endpoint may be that of the rule that is not known")
	require.Contains(t, out, "not checked: the path cannot be followed, so that endpoints are not checked")
}

func TestVettoolIsRecognized(t *testing.T) {
	for _, args := range [][]string{nil, {"vet"}, {"serve", "/etc/app.cfg"}, {"app.cfg"}, {"routes", "-flags", "x"}} {
		require.False(t, vettool(args), "%q", args)
	}
}
