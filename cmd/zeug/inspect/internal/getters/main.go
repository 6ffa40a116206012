// Command getters has values of many packages. It writes a core of itself, and prints as JSON what each
// method without arguments returns that has one result of a simple kind. The test of package inspect
// compares that with what it reads from the core.
package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"container/list"
	"container/ring"
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509/pkix"
	"database/sql"
	"debug/elf"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"expvar"
	"flag"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"hash/crc32"
	"hash/fnv"
	htmltemplate "html/template"
	"image"
	"image/color"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"math"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"regexp/syntax"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing/fstest"
	"text/scanner"
	"text/template"
	"text/template/parse"
	"time"
	"unicode/utf16"

	"github.com/PuerkitoBio/goquery"
	"github.com/aymanbagabas/go-udiff"
	"github.com/flosch/pongo2/v6"
	"github.com/google/pprof/profile"
	"github.com/spf13/cobra"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/net/html"

	"github.com/google/uuid"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/corefile"
)

// changing lists methods that change their value, or whose result is another one each time.
var changing = map[string]bool{"Next": true, "Scan": true, "ReadByte": true, "Inc": true, "Temporary": true, "More": true, "Sync": true, "Close": true, "Flush": true,
	"AllocsPerOp": true, "UnreadByte": true, "UnreadRune": true, "Fd": true, "PingContext": true, "Ping": true, "HelpTemplate": true, "Execute": true, "Kill": true, "Release": true, "Start": true, "Run": true, "Wait": true, "Peek": true, "PopContext": true}

type result struct {
	Goroutine int64
	Want      map[string]string // by "index.method"
	Types     []string
}

func main() {
	values := made()
	told := result{Want: map[string]string{}}
	for i, value := range values {
		v := reflect.ValueOf(value)
		told.Types = append(told.Types, v.Type().String())
		for m := range v.NumMethod() {
			method := v.Type().Method(m)
			if t := v.Method(m).Type(); t.NumIn() == 0 && t.NumOut() == 1 && simple(t.Out(0)) && !changing[method.Name] {
				if text, ok := call(v.Method(m)); ok {
					told.Want[fmt.Sprintf("%d.%s", i, method.Name)] = text
				}
			}
		}
	}
	frame(os.Args[1], values, told)
}

func frame(core string, values []any, told result) {
	_, goroutine, err := corefile.Write(core, 0)
	must(err)
	told.Goroutine = goroutine
	must(json.NewEncoder(os.Stdout).Encode(told))
	keep(values)
}

// simple reports whether a type is that of a number, a string or a bool.
func simple(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64 || t.Kind() == reflect.String
}

// call returns the result of a getter as "kind value"; false for other kinds.
func call(method reflect.Value) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "panic", true
		}
	}()
	v := method.Call(nil)[0]
	switch {
	case v.Kind() == reflect.String:
		return "string " + strconv.Quote(v.String()), true
	case v.Kind() == reflect.Bool:
		return fmt.Sprint("bool ", v.Bool()), true
	case v.CanInt():
		return fmt.Sprint("int ", v.Int()), true
	case v.CanUint():
		return fmt.Sprint("uint ", v.Uint()), true
	case v.CanFloat():
		return fmt.Sprint("float ", v.Float()), true
	}
	return "", false
}

func keep(...any) {}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func must1[T any](v T, err error) T {
	must(err)
	return v
}

const source = `package p

import "fmt"

type T struct { a int; B string }

func (t *T) String() string { return fmt.Sprint(t.a) }

func F[E any](x E, rest ...int) (n int, err error) { if n > 0 { n++ }; for range 3 { n += len(rest) }; return n, nil }
`

// made makes the values.
func made() (list []any) {
	list = append(list, standard()...)
	list = append(list, language()...)
	list = append(list, network()...)
	return append(list, modules()...)
}

func standard() []any {
	buffer := bytes.NewBufferString("some text")
	_, _ = buffer.ReadByte()
	reader := bufio.NewReaderSize(strings.NewReader("one\ntwo"), 64)
	_, _ = reader.ReadString('\n')
	writer := bufio.NewWriterSize(io.Discard, 128)
	_, _ = writer.WriteString("abc")
	var builder strings.Builder
	builder.WriteString("builder")
	l := list.New()
	element := l.PushBack(3)
	l.PushBack("x")
	flags := flag.NewFlagSet("tool", flag.ContinueOnError)
	number := flags.Int("n", 3, "a number")
	_ = flags.Parse([]string{"-n", "4", "rest", "more"})
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	record := slog.NewRecord(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), slog.LevelInfo, "message", 0)
	record.AddAttrs(slog.Int("a", 1), slog.String("b", "c"))
	counter, ratio, text := new(expvar.Int), new(expvar.Float), new(expvar.String)
	counter.Add(12)
	ratio.Set(0.25)
	text.Set("text")
	var loads atomic.Int64
	loads.Store(17)
	var ready atomic.Bool
	ready.Store(true)
	sum := sha256.New()
	sum.Write([]byte("abc"))
	check := crc32.NewIEEE()
	check.Write([]byte("abc"))
	hash := fnv.New32a()
	hash.Write([]byte("abc"))
	_, pathError := os.Open("/no/such/file")
	_, numError := strconv.Atoi("12x")
	_, jsonError := json.Marshal(math.Inf(1))
	synopsis := must1(syntax.Parse(`a(b|c)*d`, syntax.Perl))
	return []any{
		buffer, bytes.NewReader([]byte("abcdef")), strings.NewReader("hello"), &builder, reader, writer, bufio.NewScanner(buffer), l, element, ring.New(5), flags, flags.Lookup("n"), number != nil,
		level, &record, slog.LevelError, slog.Int("n", 5), slog.IntValue(7), slog.StringValue("s"), slog.DurationValue(time.Second), slog.Default(), counter, ratio, text, &loads, &ready,
		sum, check, hash, pathError, numError, jsonError, errors.New("plain"), fmt.Errorf("wrapped: %w", fs.ErrNotExist), fs.ErrClosed,
		time.Date(2026, 11, 30, 13, 14, 15, 16, time.UTC), 90 * time.Minute, time.March, time.Sunday, time.UTC, &time.ParseError{Layout: "x", Value: "y", LayoutElem: "z", ValueElem: "w"},
		big.NewInt(-12345678901), big.NewRat(3, 7), big.NewFloat(2.5), fs.FileMode(0o755) | fs.ModeDir, fs.FileMode(0o644), reflect.Map, reflect.SendDir, reflect.TypeFor[time.Time](), reflect.ValueOf(map[string]int{"a": 1}),
		regexp.MustCompile(`^(\w+)-(?P<n>\d+)$`), synopsis, synopsis.Op, template.Must(template.New("page").Parse(`{{if .X}}a{{else}}b{{end}}`)), htmltemplate.Must(htmltemplate.New("html").Parse(`<p>{{.}}</p>`)),
		htmltemplate.HTML("<b>"), parse.NodeIf, template.Must(template.New("page").Parse(`{{.X}} and {{len .Y}}`)).Tree.Root, crypto.SHA256, crypto.MD5, elliptic.P256().Params(), tls.X25519, tls.ECDSAWithP256AndSHA256, &pkix.Name{CommonName: "example.org", Country: []string{"CH"}},
		sql.NullString{String: "a", Valid: true}, sql.LevelSerializable, &sql.NamedArg{Name: "n"}, elf.ET_CORE, elf.EM_X86_64, elf.PT_LOAD, elf.SHF_ALLOC, base64.StdEncoding, csv.NewReader(buffer), json.Number("12.5"), json.NewDecoder(buffer), &json.SyntaxError{Offset: 7},
		xml.Name{Space: "a", Local: "b"}, xml.StartElement{Name: xml.Name{Local: "p"}}, xml.CharData("text"), &xml.SyntaxError{Msg: "bad", Line: 3}, log.New(io.Discard, "prefix: ", log.Lshortfile), image.Pt(3, 4), image.Rect(1, 2, 30, 40), image.NewRGBA(image.Rect(0, 0, 4, 4)), image.NewUniform(color.Black), image.YCbCrSubsampleRatio420,
		color.RGBA{1, 2, 3, 255}, color.Gray{7}, &tar.Header{Name: "a/b", Size: 3, Mode: 0o644}, &zip.FileHeader{Name: "dir/", ExternalAttrs: 0o755 << 16}, flate.CorruptInputError(9), &scanner.Position{Filename: "f.go", Line: 3, Column: 4}, exec.Command("/bin/ls", "-l", "a b"), &exec.Error{Name: "x", Err: exec.ErrNotFound}, os.Stdout, os.Interrupt, syscall.ENOENT, syscall.EAGAIN, syscall.SIGTERM,
		fstest.MapFS{"a": {Data: []byte("x")}}, utf16.Encode([]rune("é")), debug.BuildInfo{GoVersion: "go1.26", Path: "p"}, loads.Load(), flag.ContinueOnError, &strconv.NumError{Func: "f", Num: "1", Err: strconv.ErrRange},
	}
}

func language() (values []any) {
	fset := token.NewFileSet()
	file := must1(parser.ParseFile(fset, "p.go", source, parser.ParseComments))
	ast.Inspect(file, func(n ast.Node) bool {
		if n != nil && len(values) < 60 {
			values = append(values, n)
		}
		return true
	})
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}}
	pkg, _ := config.Check("example.org/p", fset, []*ast.File{file}, info)
	named := pkg.Scope().Lookup("T").Type().(*types.Named)
	f := pkg.Scope().Lookup("F").(*types.Func)
	values = append(values, fset, fset.File(file.Pos()), fset.Position(file.End()), token.ADD, token.IDENT, token.FUNC, pkg, pkg.Scope(), named, named.Obj(), named.Underlying(), named.Underlying().(*types.Struct).Field(0), named.Underlying().(*types.Struct).Field(1), named.Method(0), f, f.Signature(), f.Signature().Params(), f.Signature().Results(), f.Signature().TypeParams(), f.Signature().TypeParams().At(0),
		types.Typ[types.Int], types.NewPointer(types.Typ[types.String]), types.NewSlice(types.Typ[types.Bool]), types.NewArray(types.Typ[types.Int], 4), types.NewMap(types.Typ[types.String], types.Typ[types.Int]), types.NewChan(types.SendOnly, types.Typ[types.Int]), types.Universe.Lookup("len"), types.Universe.Lookup("true"), types.Universe.Lookup("error").Type().Underlying(),
		constant.MakeInt64(5), constant.MakeString("c"), constant.MakeBool(true), constant.MakeFloat64(0.5), must1(constraint.Parse("//go:build linux && !cgo")), parse.NodeText)
	return values
}

func network() []any {
	address := must1(url.Parse("https://ann:secret@example.org:8080/a%2Fb/c?q=1&r=two#top"))
	request := httptest.NewRequest("POST", "/form?x=1", strings.NewReader("a=b"))
	request.Header.Set("User-Agent", "agent/1")
	request.Header.Set("Referer", "https://example.org/")
	recorder := httptest.NewRecorder()
	recorder.WriteHeader(404)
	_, ipNet, err := net.ParseCIDR("10.1.0.0/16")
	must(err)
	return []any{
		address, address.User, url.UserPassword("a", "b"), address.Query(), &url.Error{Op: "Get", URL: "x", Err: os.ErrDeadlineExceeded}, url.EscapeError("%zz"), request, request.URL, &http.Cookie{Name: "id", Value: "x y", Path: "/", Secure: true, SameSite: http.SameSiteLaxMode}, http.StateActive, http.SameSiteLaxMode, &http.MaxBytesError{Limit: 5}, http.NewServeMux(), &http.Server{Addr: ":1"}, http.DefaultTransport, http.Dir("/tmp"), must1(cookiejar.New(nil)),
		recorder, recorder.Result(), net.ParseIP("192.168.1.7"), net.ParseIP("2001:db8::1"), ipNet, ipNet.Mask, net.HardwareAddr{1, 2, 3, 4, 5, 6}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, &net.UDPAddr{IP: net.IPv6loopback, Port: 53, Zone: "eth0"}, &net.UnixAddr{Name: "/run/x", Net: "unix"}, &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, &net.AddrError{Err: "missing port", Addr: "x"}, &net.ParseError{Type: "IP address", Text: "x"}, net.FlagUp | net.FlagLoopback,
		netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddrPort("[::1]:443"), netip.MustParsePrefix("10.0.0.0/8"), &mail.Address{Name: "Ann É", Address: "ann@example.org"}, textproto.MIMEHeader{"A": {"b"}}, textproto.ProtocolError("bad"), &textproto.Error{Code: 550, Msg: "no"}, &multipart.FileHeader{Filename: "f", Size: 3},
	}
}

func modules() []any {
	command := &cobra.Command{Use: "tool <file>", Short: "a tool", Version: "1.2", Args: cobra.ExactArgs(1), Aliases: []string{"t"}}
	child := &cobra.Command{Use: "child", Hidden: true, Run: func(*cobra.Command, []string) {}, Example: "tool child", Deprecated: "gone"}
	command.AddCommand(child)
	command.Flags().Int("n", 3, "a number")
	page := must1(goquery.NewDocumentFromReader(strings.NewReader("<ul><li>a</li><li class=x>b</li></ul>")))
	mod := must1(modfile.Parse("go.mod", []byte("module example.org/m // c\n\ngo 1.26\n\nrequire example.org/n v1.2.3 // indirect\n"), nil))
	node := must1(html.Parse(strings.NewReader("<p>x")))
	set := pongo2.NewSet("set", pongo2.MustNewLocalFileSystemLoader(""))
	set.Debug = true
	return []any{
		command, child, command.Flags(), command.Flags().Lookup("n"), page.Find("li"), page.Find("li.x"), page.Selection, udiff.Insert, udiff.Edit{Start: 1, End: 3, New: "x"}, mod.Module, mod.Require[0], mod.Syntax, mod.Go.Syntax, module.Version{Path: "example.org/m", Version: "v1.2.3"}, node, node.FirstChild, html.ElementNode, html.Token{Type: html.StartTagToken, Data: "p"}, html.StartTagToken,
		&profile.Profile{Period: 7, SampleType: []*profile.ValueType{{Type: "cpu", Unit: "ns"}}}, pongo2.AsValue(7), pongo2.AsValue("text"), pongo2.AsValue([]int{1, 2}), &pongo2.Error{Filename: "f", Line: 3, Sender: "lexer", OrigError: errors.New("bad")}, httperror.Code(404), &httperror.Error{Code: 409, Description: "taken"}, uuid.UUID{1, 2, 3},
	}
}
