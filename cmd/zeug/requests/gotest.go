package requests

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Test returns a file of Go source with a test that sends the request and expects the same
// response: its status, its redirect, and the text that was chosen on the page.
//
//	func TestPostOrder(t *testing.T) {
//		client := webtest.New(t, newApp())
//		resp := client.Post("/order", webtest.Form(url.Values{"name": {"Ann"}}), webtest.NoFollow).Expect(303)
//		require.Equal(t, "/thanks", resp.Header.Get("Location"))
//	}
//
// Where no other test of the package uses testify, neither does this one.
// The test belongs to the package in the folder, and makes its client as the tests there do. Fields
// that browsers send of themselves are left out.
func (e Exchange) Test(folder, chosen string) (string, error) {
	if err := e.Request.known(); err != nil {
		return "", err
	}
	p := readPackage(folder)
	g := generator{imports: map[string]bool{"testing": true, "github.com/zeugkit/zeug/webtest": true}, testify: p.testify}
	method := "Do"
	args := []string{}
	switch m := e.Request.Method; m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE":
		method = m[:1] + strings.ToLower(m[1:])
	default:
		args = append(args, literal(m))
	}
	args = append(args, literal(g.target(e.Request)))
	args = append(args, g.fields(e.Request)...)
	args = append(args, g.body(e.Request)...)
	if e.Response.Status/100 == 3 {
		args = append(args, "webtest.NoFollow")
	}
	call := "client." + method + "(" + strings.Join(args, ", ") + ")"
	if e.Response.Status != 0 {
		call += ".Expect(" + strconv.Itoa(e.Response.Status) + ")"
	}
	checks := g.checks(e, chosen)
	if len(checks) > 0 {
		call = "resp := " + call
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport (\n", p.name)
	for _, group := range g.groups() {
		for _, path := range group {
			fmt.Fprintf(&b, "%q\n", path)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, ")\n\nfunc %s(t *testing.T) {\n%s\n%s\n%s}\n", p.unused(testName(e)), p.client, call, strings.Join(checks, ""))
	source, err := format.Source(b.Bytes())
	if err != nil {
		return "", fmt.Errorf("write the test: %w", err)
	}
	return string(source), nil
}

// generator collects what the test imports.
type generator struct {
	imports map[string]bool
	testify bool
}

// groups are the imports as gofmt's users keep them: the standard library's first.
func (g generator) groups() [2][]string {
	var groups [2][]string
	for path := range g.imports {
		i := 0
		if strings.Contains(path, ".") {
			i = 1
		}
		groups[i] = append(groups[i], path)
	}
	slices.Sort(groups[0])
	slices.Sort(groups[1])
	return groups
}

// target is the path, or the whole URL if the host matters: if the request names its page in Origin
// or Referer, which servers compare with the host, or if the host is not this machine.
func (g generator) target(r Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	local := host == "localhost" || err == nil && addr.IsLoopback()
	if local && r.Scheme == "http" && field(r.Fields, "Origin") == "" && field(r.Fields, "Referer") == "" || !strings.HasPrefix(r.Target, "/") {
		return r.Target
	}
	return r.URL()
}

// isBrowsers reports whether browsers send a field by themselves, so that it says nothing about
// the request.
func isBrowsers(name string) bool {
	switch name {
	case "User-Agent", "Accept-Encoding", "Accept-Language", "Upgrade-Insecure-Requests", "Priority", "Dnt", "Cache-Control", "Pragma",
		"If-None-Match", "If-Modified-Since", "Save-Data":
		return true
	}
	return strings.HasPrefix(name, "Sec-") && name != "Sec-Fetch-Site"
}

func (g generator) fields(r Request) []string {
	var args []string
	for i, f := range r.Fields {
		if slices.Contains(ownFields, f.Name) || isBrowsers(f.Name) || f.Name == "Content-Type" && len(r.Body.Bytes) > 0 ||
			i > 0 && r.Fields[i-1].Name == f.Name {
			continue
		}
		arg := "webtest.Header(" + literal(f.Name)
		for _, same := range r.Fields[i:] {
			if same.Name != f.Name {
				break
			}
			arg += ", " + literal(same.Value)
		}
		args = append(args, arg+")")
	}
	return args
}

// body writes forms as forms, if that makes the same body.
func (g generator) body(r Request) []string {
	if len(r.Body.Bytes) == 0 {
		return nil
	}
	kind := field(r.Fields, "Content-Type")
	switch mediaType(r.Fields) {
	case "application/x-www-form-urlencoded":
		if values, err := url.ParseQuery(string(r.Body.Bytes)); err == nil && values.Encode() == string(r.Body.Bytes) && kind == "application/x-www-form-urlencoded" {
			g.imports["net/url"] = true
			return []string{"webtest.Form(" + valuesLiteral(values) + ")"}
		}
	case "multipart/form-data":
		if args, ok := g.parts(kind, r.Body.Bytes); ok {
			return args
		}
	}
	return []string{"webtest.Body(" + literal(kind) + ", " + g.reader(string(r.Body.Bytes)) + ")"}
}

func (g generator) reader(text string) string {
	g.imports["strings"] = true
	return "strings.NewReader(" + literal(text) + ")"
}

// parts writes the parts of a multipart form, each of which has a name.
func (g generator) parts(kind string, body []byte) (args []string, ok bool) {
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return nil, false
	}
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			// A form without a file would be sent in the other way.
			return args, slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "webtest.File") })
		}
		if err != nil || part.FormName() == "" {
			return nil, false
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, false
		}
		_, disposition, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		name, isFile := disposition["filename"]
		if !isFile {
			args = append(args, "webtest.Field("+literal(part.FormName())+", "+literal(string(content))+")")
			continue
		}
		option, kind := "File(", part.Header.Get("Content-Type")
		if kind != "" {
			option, kind = "FileOfType(", literal(kind)+", "
		}
		args = append(args, "webtest."+option+literal(part.FormName())+", "+literal(name)+", "+kind+g.reader(string(content))+")")
	}
}

func valuesLiteral(values url.Values) string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("url.Values{")
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(literal(name) + ": {")
		for j, value := range values[name] {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(literal(value))
		}
		b.WriteString("}")
	}
	b.WriteString("}")
	return b.String()
}

// checks are what the test expects besides the status.
func (g generator) checks(e Exchange, chosen string) []string {
	var checks []string
	if location := field(e.Response.Fields, "Location"); location != "" {
		own := e.Request.Scheme + "://" + e.Request.Host + "/"
		if rest, ok := strings.CutPrefix(location, own); ok && g.target(e.Request) == e.Request.Target {
			checks = append(checks, g.equal("Equal", "http://example.com/"+rest, "resp.Location()"))
		} else {
			checks = append(checks, g.equal("Equal", location, `resp.Header.Get("Location")`))
		}
	}
	body := string(e.Response.Body.Bytes)
	kind := mediaType(e.Response.Fields)
	switch {
	case chosen != "" && strings.Contains(body, chosen):
		checks = append(checks, g.contains(chosen))
	case chosen != "":
		// The page shows JSON indented, and text without its markup.
		for word := range strings.Lines(chosen) {
			if word = strings.Trim(word, " \t\r\n,"); word != "" && strings.Contains(body, word) {
				checks = append(checks, g.contains(word))
			}
		}
	case e.Response.Body.Known() && len(body) > 0 && len(body) <= 1<<10 && (kind == "application/json" || strings.HasSuffix(kind, "+json")):
		checks = append(checks, g.equal("JSONEq", body, "resp.Text()"))
	}
	return checks
}

// equal requires that an expression equals a string, by testify if the package's tests use it.
func (g generator) equal(assertion, want, expression string) string {
	if g.testify {
		g.imports["github.com/stretchr/testify/require"] = true
		return "require." + assertion + "(t, " + literal(want) + ", " + expression + ")\n"
	}
	return "if got := " + expression + "; got != " + literal(want) + " {\nt.Errorf(\"got %q\", got)\n}\n"
}

// contains requires that the response has a string in its body.
func (g generator) contains(text string) string {
	if g.testify {
		g.imports["github.com/stretchr/testify/require"] = true
		return "require.Contains(t, resp.Text(), " + literal(text) + ")\n"
	}
	g.imports["strings"] = true
	return "if got := resp.Text(); !strings.Contains(got, " + literal(text) + ") {\nt.Errorf(\"got %q\", got)\n}\n"
}

// literal is a string as Go source.
func literal(text string) string {
	if printable(text) && strings.ContainsAny(text, "\"\\\n") && !strings.ContainsAny(text, "`\r\ufeff") {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

// testName names the method and the path: TestPostOrderItems.
func testName(e Exchange) string {
	name := "Test"
	for _, word := range strings.FieldsFunc(strings.ToLower(e.Request.Method)+" "+e.Request.Path(), func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}) {
		first := []rune(word)
		first[0] = unicode.ToUpper(first[0])
		name += string(first)
		if len(name) > 60 {
			break
		}
	}
	if e.Request.Path() == "/" {
		name += "Index"
	}
	return name
}

// goPackage is what a test needs to know about its package.
type goPackage struct {
	name   string
	client string // the lines that make one
	names  map[string]bool
	// testify says that the tests import its package require.
	testify bool
}

// unused is a name that the package does not have yet.
func (p goPackage) unused(name string) string {
	for n, free := 2, name; ; n++ {
		if !p.names[free] {
			return free
		}
		free = name + strconv.Itoa(n)
	}
}

// readPackage reads the Go files of a folder.
func readPackage(folder string) goPackage {
	p := goPackage{name: "main", names: map[string]bool{}}
	var files, tests []*ast.File
	if folder != "" {
		_ = fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() && path != "." {
				return fs.SkipDir
			}
			if entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return nil
			}
			source, err := fs.ReadFile(os.DirFS(folder), path)
			if err != nil {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
			if err != nil {
				return nil
			}
			if strings.HasSuffix(path, "_test.go") {
				tests = append(tests, file)
			} else {
				files = append(files, file)
			}
			return nil
		})
	}
	if len(files) > 0 {
		p.name = files[0].Name.Name
	}
	if len(tests) > 0 {
		p.name = tests[0].Name.Name
	}
	for _, file := range tests {
		for _, spec := range file.Imports {
			p.testify = p.testify || spec.Path.Value == `"github.com/stretchr/testify/require"`
		}
	}
	for _, file := range append(slices.Clone(tests), files...) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				p.names[f.Name.Name] = true
			}
		}
	}
	p.client = clientLine(tests, files, p.names)
	return p
}

// clientLine makes a client as the tests of the package do: by a function of those tests, by the
// application that they give to webtest.New, or by a function of the program that makes one.
func clientLine(tests, files []*ast.File, names map[string]bool) string {
	for _, f := range functionsOf(tests) {
		if f.Type.Params.NumFields() == 1 && isType(f.Type.Params.List[0].Type, "testing", "T", "TB") && f.Type.Results.NumFields() == 1 &&
			isType(f.Type.Results.List[0].Type, "webtest", "Client") {
			return "client := " + f.Name.Name + "(t)"
		}
	}
	for _, file := range tests {
		var app string
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && app == "" && len(call.Args) > 1 && isType(call.Fun, "webtest", "New") {
				if made, ok := call.Args[1].(*ast.CallExpr); ok {
					app = plainCall(made, names)
				}
			}
			return app == ""
		})
		if app != "" {
			return "client := webtest.New(t, " + app + ")"
		}
	}
	for _, f := range functionsOf(files) {
		if f.Type.Params.NumFields() == 0 && f.Type.Results.NumFields() == 1 &&
			(isType(f.Type.Results.List[0].Type, "zeug", "App") || isType(f.Type.Results.List[0].Type, "http", "Handler")) {
			return "client := webtest.New(t, " + f.Name.Name + "())"
		}
	}
	return "// Replace newApp() with the function that makes the application.\nclient := webtest.New(t, newApp())"
}

// plainCall returns a call of a function of the package without arguments or with t, "" for any
// other call.
func plainCall(call *ast.CallExpr, names map[string]bool) string {
	f, ok := call.Fun.(*ast.Ident)
	if !ok || !names[f.Name] || len(call.Args) > 1 {
		return ""
	}
	if len(call.Args) == 0 {
		return f.Name + "()"
	}
	if arg, ok := call.Args[0].(*ast.Ident); ok && arg.Name == "t" {
		return f.Name + "(t)"
	}
	return ""
}

func functionsOf(files []*ast.File) []*ast.FuncDecl {
	var list []*ast.FuncDecl
	for _, file := range files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Type.TypeParams == nil {
				list = append(list, f)
			}
		}
	}
	return list
}

// isType reports whether an expression is pkg.name, or a pointer to it.
func isType(e ast.Expr, pkg string, names ...string) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, selector.Sel.Name) {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == pkg
}
