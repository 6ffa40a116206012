package vet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
)

// TestLargeProgram checks a program of 500 routes and 200 templates, as large as applications get.
func TestLargeProgram(t *testing.T) {
	dir, err := os.MkdirTemp("testdata", "large")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Mkdir(filepath.Join(dir, "templates"), 0o755))
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	var routes, views strings.Builder
	for i := range 500 {
		fmt.Fprintf(&routes, "\t\tzeug.Get(\"/r%d/<int:id>\", view%d),\n", i, i)
		fmt.Fprintf(&views, "func view%d(req *zeug.Request) (*zeug.Response, error) {\n\tid := req.Params.Int(\"id\")\n", i)
		fmt.Fprintf(&views, "\treturn page(req, \"t%d.html\", map[string]any{\"id\": id, \"next\": req.URL(\"view%d\", \"id\", id)})\n}\n\n", i%200, (i+1)%500)
	}
	for i := range 200 {
		var links strings.Builder
		for j := range 10 {
			fmt.Fprintf(&links, "<a href=\"{{ url_for(\"view%d\", \"id\", id) }}\">{{ next|upper }}</a>\n", (i*7+j*31)%500)
		}
		write(fmt.Sprintf("templates/t%d.html", i), "{% extends \"layout.html\" %}{% block body %}"+links.String()+"{% endblock %}")
	}
	write("templates/layout.html", "{{ user }}{% block body %}{% endblock %}")
	write("main.go", `package main

import (
	"embed"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/templates"
)

//go:embed templates
var files embed.FS

func main() {
	serving.Main("127.0.0.1:5000", zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{Dir: "templates"})),
`+routes.String()+`	))
}

func page(req *zeug.Request, name string, context map[string]any) (*zeug.Response, error) {
	context["user"] = "Ada"
	return req.Render(name, context)
}

`+views.String())
	l, err := vet.Load(vet.Config{}, "./"+dir)
	require.NoError(t, err)
	start := time.Now()
	result := vet.Check(l)
	t.Logf("checked in %v", time.Since(start))
	require.Empty(t, result.Findings)
	require.Empty(t, result.Skipped)
}
