package debugger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// local is a request as the developer's browser sends it.
func local(method, target string) *http.Request { return own(unknown(method, target)) }

// own makes a request come from a process of the user who runs the tests.
func own(r *http.Request) *http.Request {
	return r.WithContext(peer.With(r.Context(), peer.Peer{UID: os.Getuid()}))
}

// unknown is a request from this machine by a process whose user the system does not know.
func unknown(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:5000"
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return r
}

// serve returns the response and the log.
func serve(t *testing.T, h http.Handler, r *http.Request) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var out bytes.Buffer
	w := httptest.NewRecorder()
	debugger.Debugger{Output: &out}.Wrap(h).ServeHTTP(w, r)
	return w, out.String()
}

// report requests the page as JSON.
func report(t *testing.T, h http.Handler, r *http.Request) debugger.Report {
	t.Helper()
	r.Header.Set("Accept", "application/json")
	w, _ := serve(t, h, r)
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var rep debugger.Report
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &rep), w.Body.String())
	return rep
}

type order struct{ Items []int }

func (o *order) last() int { return o.Items[len(o.Items)] }

// stacked is an error that knows where it was made.
type stacked struct {
	error
	pcs []uintptr
}

func (s stacked) Callers() []uintptr { return s.pcs }
func (s stacked) Unwrap() error      { return s.error }

func withStack(err error) error {
	pcs := make([]uintptr, 32)
	return stacked{err, pcs[:runtime.Callers(2, pcs)]}
}

type broken struct{}

func (*broken) Error() string { panic("no text") }
func (*broken) Unwrap() error { panic("no cause") }

// inTemplate is an error of the form that a template engine returns.
type inTemplate struct{}

func (inTemplate) Error() string { return "unknown filter" }
func (inTemplate) Place() (string, int, int, string) {
	return "page.html", 2, 5, "<h1>\n{{ x|nope }}\n</h1>\n"
}

func TestWhatIsReported(t *testing.T) {
	var table map[string]int
	var nobody *order
	for _, c := range []struct {
		name     string
		handler  http.HandlerFunc
		message  string
		typ      string
		returned bool
		function string // of the newest frame of the application
	}{
		{name: "a write to a nil map", message: "assignment to entry in nil map", typ: "runtime.plainError", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { table["x"] = 1 }},
		{name: "a nil pointer", message: "invalid memory address", typ: "runtime.errorString", function: "(*order).last",
			handler: func(http.ResponseWriter, *http.Request) { nobody.last() }},
		{name: "an index out of range", message: "index out of range [2] with length 2", typ: "runtime.boundsError", function: "(*order).last",
			handler: func(http.ResponseWriter, *http.Request) { (&order{[]int{1, 2}}).last() }},
		{name: "a panic with an error", message: "file does not exist", typ: "*errors.errorString", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { panic(fs.ErrNotExist) }},
		{name: "a panic with a struct", message: "{Items:[7]}", typ: "debugger_test.order", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { panic(order{[]int{7}}) }},
		{name: "a panic with nil", message: "panic called with nil argument", typ: "*runtime.PanicNilError", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { panic(nil) }},
		{name: "a panic in a deferred function", message: "second", typ: "string", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) {
				defer func() { panic("second") }()
				panic("first")
			}},
		{name: "a wrong type", message: "interface conversion: interface {} is string, not int", typ: "*runtime.TypeAssertionError", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { _ = any("x").(int) }},
		{name: "a channel closed twice", message: "close of closed channel", typ: "runtime.plainError", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { c := make(chan int); close(c); close(c) }},
		{name: "an array that is too short", message: "cannot convert slice with length 1 to array or pointer to array with length 2", typ: "runtime.boundsError", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { _ = [2]int(make([]int, 1)) }},
		{name: "an error whose methods panic", message: "its Error method panicked: no text", typ: "*debugger_test.broken", function: "TestWhatIsReported.func",
			handler: func(http.ResponseWriter, *http.Request) { panic((*broken)(nil)) }},
		{name: "a division by zero", message: "integer divide by zero", typ: "runtime.runtimeError", function: "TestWhatIsReported.func",
			handler: func(_ http.ResponseWriter, r *http.Request) { _ = 1 / len(r.Form) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := report(t, c.handler, local("GET", "/"))
			require.True(t, rep.Panicked)
			require.Contains(t, rep.Message, c.message)
			if c.typ != "runtime.runtimeError" {
				require.Equal(t, c.typ, rep.Type)
			}
			require.NotEmpty(t, rep.Frames)
			require.Contains(t, rep.Frames[0].Function, c.function, "the newest frame is who panicked")
			require.False(t, rep.Frames[0].Library)
			require.True(t, strings.HasSuffix(rep.Frames[0].File, "debugger_test.go"))
			current := 0
			for _, line := range rep.Frames[0].Source {
				if line.Current {
					current++
					require.Equal(t, rep.Frames[0].Line, line.Number)
				}
			}
			require.Equal(t, 1, current)
			require.LessOrEqual(t, len(rep.Frames[0].Source), 11)
			library := false
			for _, f := range rep.Frames {
				if f.Function == "net/http.HandlerFunc.ServeHTTP" {
					library = f.Library
				}
			}
			require.True(t, library, "net/http is a library")
		})
	}
}

func TestErrorsOfViews(t *testing.T) {
	view := func(err error) http.Handler {
		return wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, err })
	}
	t.Run("an unexpected error is shown with all it wraps", func(t *testing.T) {
		inner := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
		rep := report(t, view(fmt.Errorf("load: %w", errors.Join(inner, io.EOF))), local("GET", "/"))
		require.False(t, rep.Panicked)
		var types []string
		for _, cause := range rep.Causes {
			types = append(types, fmt.Sprint(cause.Depth, " ", cause.Type))
		}
		require.Equal(t, []string{"0 *fmt.wrapError", "1 *errors.joinError", "2 *fs.PathError", "3 *errors.errorString", "2 *errors.errorString"}, types)
		require.Contains(t, rep.Origin, "does not know where")
	})
	t.Run("an error that knows where it was made is shown there", func(t *testing.T) {
		rep := report(t, view(fmt.Errorf("load: %w", withStack(io.EOF))), local("GET", "/"))
		require.Contains(t, rep.Frames[0].Function, "TestErrorsOfViews.func")
		require.Equal(t, "Where the error was made.", rep.Origin)
	})
	t.Run("a template's error shows the template", func(t *testing.T) {
		rep := report(t, view(fmt.Errorf("render: %w", inTemplate{})), local("GET", "/"))
		require.True(t, rep.Frames[0].Template)
		require.Equal(t, "page.html", rep.Frames[0].File)
		require.Equal(t, 2, rep.Frames[0].Line)
		require.Equal(t, "{{ x|nope }}", rep.Frames[0].Source[1].Text)
		require.True(t, rep.Frames[0].Source[1].Current)
	})
	t.Run("a 500 with a cause is shown", func(t *testing.T) {
		rep := report(t, view(&httperror.Error{Code: 500, Err: io.ErrUnexpectedEOF}), local("GET", "/"))
		require.Contains(t, rep.Message, "unexpected EOF")
	})
	t.Run("an error that answers for itself does", func(t *testing.T) {
		w, out := serve(t, view(fmt.Errorf("id: %w", httperror.NotFound)), local("GET", "/"))
		require.Equal(t, http.StatusNotFound, w.Code)
		require.Empty(t, out)
	})
	t.Run("an error that wraps itself is shown, and returned too", func(t *testing.T) {
		rep := report(t, view(fmt.Errorf("outer: %w", circle{})), local("GET", "/"))
		require.Len(t, rep.Causes, 3)
		require.True(t, rep.Causes[2].Cyclic)
	})
	t.Run("a circle beside an error that would answer is a failure", func(t *testing.T) {
		rep := report(t, view(errors.Join(circle{}, httperror.NotFound)), local("GET", "/"))
		require.Equal(t, "*errors.joinError", rep.Type)
	})
	t.Run("each of several errors shows where it was made", func(t *testing.T) {
		rep := report(t, view(errors.Join(withStack(io.EOF), fmt.Errorf("x: %w", elsewhere()))), local("GET", "/"))
		require.Contains(t, rep.Frames[0].Function, "elsewhere", "the innermost")
		shown := 0
		for _, cause := range rep.Causes {
			if len(cause.Frames) > 0 {
				shown++
			}
		}
		require.Equal(t, 2, shown)
	})
	t.Run("a 500 made by httperror knows its place", func(t *testing.T) {
		rep := report(t, view(httperror.Wrap(500, io.EOF)), local("GET", "/"))
		require.Contains(t, rep.Frames[0].Function, "TestErrorsOfViews.func")
		require.Equal(t, "Where the error was made.", rep.Origin)
	})
	t.Run("an error of a goroutine that was waited for knows its place", func(t *testing.T) {
		rep := report(t, wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
			failed := make(chan error)
			go func() { failed <- elsewhere() }()
			return nil, fmt.Errorf("workers: %w", <-failed)
		}), local("GET", "/"))
		require.Contains(t, rep.Frames[0].Function, "elsewhere")
	})
	t.Run("stacks as other packages keep them are read", func(t *testing.T) {
		pcs := make([]uintptr, 8)
		pcs = pcs[:runtime.Callers(1, pcs)]
		var frames []traceFrame
		for _, pc := range pcs {
			frames = append(frames, traceFrame(pc))
		}
		for _, err := range []error{traced{io.EOF, frames}, framed{io.EOF, pcs}} {
			rep := report(t, view(err), local("GET", "/"))
			require.Contains(t, rep.Frames[0].Function, "TestErrorsOfViews.func", "%T", err)
		}
	})
	t.Run("a chain that turns in a circle ends", func(t *testing.T) {
		// This is for the value of a panic: errors.As would never end on it.
		rep := report(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(circle{}) }), local("GET", "/"))
		require.LessOrEqual(t, len(rep.Causes), 64)
	})
}

func elsewhere() error { return withStack(io.EOF) }

// traced and framed are errors like those of github.com/pkg/errors and github.com/rotisserie/eris.
type (
	traceFrame uintptr
	traced     struct {
		error
		frames []traceFrame
	}
	framed struct {
		error
		pcs []uintptr
	}
)

func (e traced) StackTrace() []traceFrame { return e.frames }
func (e framed) StackFrames() []uintptr   { return e.pcs }

type circle struct{}

func (circle) Error() string { return "round" }
func (circle) Unwrap() error { return circle{} }

func TestRecoveredPanicsShowWhoPanicked(t *testing.T) {
	recovering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				httperror.Respond(w, r, fmt.Errorf("recovered: %v", v))
			}
		}()
		(&order{}).last()
	})
	last := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { (&order{}).last() })
	again := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { panic(recover()) }()
		last(w, r)
	})
	for name, h := range map[string]http.Handler{
		"by hand":                     recovering,
		"by Recover":                  middleware.Recover{}.Wrap(last),
		"carried over by Timeout":     middleware.Timeout{}.Wrap(last),
		"by Recover within a Timeout": middleware.Timeout{}.Wrap(middleware.Recover{}.Wrap(last)),
		"and raised again":            again,
	} {
		t.Run(name, func(t *testing.T) {
			rep := report(t, h, local("GET", "/"))
			require.True(t, rep.Panicked)
			frames := rep.Frames
			if name == "and raised again" {
				for !frames[0].Panicked {
					frames = frames[1:]
				}
			}
			require.Contains(t, frames[0].Function, "(*order).last")
			require.Contains(t, rep.Message, "index out of range")
			require.NotContains(t, rep.Message, "goroutine ")
		})
	}
}

func fails(http.ResponseWriter, *http.Request) { panic("<script>alert(1)</script>\x1b[31m") }

func TestFormsOfTheReport(t *testing.T) {
	for accept, want := range map[string]string{
		"text/html":                         "text/html; charset=utf-8",
		"text/html,*/*":                     "text/html; charset=utf-8",
		"application/json":                  "application/json",
		"application/json, text/html;q=0.5": "application/json",
		"application/problem+json":          "application/json",
		"*/*":                               "text/plain; charset=utf-8",
		"":                                  "text/plain; charset=utf-8",
	} {
		t.Run(accept+" gets "+want, func(t *testing.T) {
			r := local("GET", "/")
			r.Header.Set("Accept", accept)
			w, _ := serve(t, http.HandlerFunc(fails), r)
			require.Equal(t, want, w.Header().Get("Content-Type"))
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		})
	}
	t.Run("HEAD has no body", func(t *testing.T) {
		w, _ := serve(t, http.HandlerFunc(fails), local("HEAD", "/"))
		require.Equal(t, 500, w.Code)
		require.Empty(t, w.Body.Bytes())
	})
}

func TestTheRuleThatMatched(t *testing.T) {
	urls := routing.MustMap(routing.Rule[http.HandlerFunc]{Path: "/users/<int:id>/<token>", Endpoint: "user", Target: fails})
	rep := report(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := urls.Bind(r).Match()
		require.NoError(t, err)
		match.Target(w, r)
	}), local("GET", "/users/7/abc"))
	require.Equal(t, "/users/<int:id>/<token>", rep.Rule)
	require.Equal(t, []*debugger.Value{{Name: "id", Type: "int", Text: "7"}, {Name: "token", Type: "string", Text: "••••••••"}}, rep.Args)
}

func TestVariablesAreKeptForWhoCanReadThem(t *testing.T) {
	var out bytes.Buffer
	kept := debugger.Debugger{Output: &out, Keep: func(id string) (func(*debugger.Report) (debugger.Live, error), error) {
		return func(rep *debugger.Report) (debugger.Live, error) {
			require.NotEmpty(t, rep.Frames)
			require.Equal(t, id, rep.ID)
			return debugger.Live{URL: "/.zeug/frames/" + rep.ID + "/", Secret: "s3"}, nil
		}, nil
	}}
	type tell = func(*debugger.Report) (debugger.Live, error)
	for name, c := range map[string]struct {
		settings debugger.Debugger
		has      string
	}{
		"kept":                 {kept, `data-live="/.zeug/frames/f1/" data-secret="s3"`},
		"nobody to keep them":  {debugger.Debugger{Output: &out}, "run the program by “zeug run”"},
		"a keeper that cannot": {debugger.Debugger{Output: &out, Keep: func(string) (tell, error) { return nil, errors.New("No room.") }}, "No room."},
		"a keeper that panics": {debugger.Debugger{Output: &out, Keep: func(string) (tell, error) { panic("broken keeper") }}, "broken keeper"},
		"a keeper that panics later": {debugger.Debugger{Output: &out, Keep: func(string) (tell, error) {
			return func(*debugger.Report) (debugger.Live, error) { panic("broken later") }, nil
		}}, "broken later"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.settings.Wrap(http.HandlerFunc(fails)).ServeHTTP(w, local("GET", "/"))
			require.Equal(t, 500, w.Code)
			require.Contains(t, w.Body.String(), c.has)
			require.Equal(t, name == "kept", !strings.Contains(w.Body.String(), `<body data-report="f1">`))
		})
	}
}

func TestHostileTextsStayText(t *testing.T) {
	r := local("GET", "/%3Cscript%3Ealert(2)%3C/script%3E?q=%1b%5B2J\u202e")
	r.Header.Set("X-Bad", "\x1b]0;title\x07<img src=x>")
	w, out := serve(t, http.HandlerFunc(fails), r)
	require.NotContains(t, w.Body.String(), "<script>alert")
	require.NotContains(t, w.Body.String(), "<img")
	for _, text := range []string{w.Body.String(), out} {
		require.NotContains(t, text, "\x1b")
		require.NotContains(t, text, "\x07")
		require.NotContains(t, text, "\u202e")
	}
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

func TestSecretsAreMasked(t *testing.T) {
	word := "hunter" + "2"
	r := own(httptest.NewRequest("POST", "/login?api_key="+word+"&page=4", strings.NewReader("user=ann&password="+word)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Authorization", "Bearer "+word)
	r.Header.Set("Cookie", "sessionid="+word+"; theme=dark")
	r.Header.Set("Referer", "http://localhost/?token="+word)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
	w, out := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		panic("x")
	}), r)
	require.NotContains(t, w.Body.String(), word)
	require.NotContains(t, out, word)
	for _, shown := range []string{"ann", "dark", "page"} {
		require.Contains(t, w.Body.String(), shown)
	}
	require.NotContains(t, w.Body.String(), `action=`, "a form with a masked field is not offered for sending again")
}

func TestSecretsInsideOfValuesAreMasked(t *testing.T) {
	word := "hunter" + "2"
	type config struct {
		DSN, Bearer, Salt string
		URLs              []string
	}
	r := own(httptest.NewRequest("POST", "/cb?code="+word+"&sig="+word+"&next=x", strings.NewReader("card="+word+"&remember="+word)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("X-Vault-Token", word)
	r.Header.Set("X-Database", "postgres://ann:"+word+"@db/shop")
	r.Header.Set("Referer", "http://localhost/?access_token="+word)
	r.Header.Set("Cookie", "connect.sid="+word+"; remember_user="+word)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
	for name, fail := range map[string]func(){
		"in a message": func() { panic("dial postgres://ann:" + word + "@db/shop: refused") },
		"in an error":  func() { panic(fmt.Errorf("open: %w", errors.New("ann:"+word+"@tcp(db:3306)/shop"))) },
		"in a value": func() {
			panic(config{DSN: "host=db password=" + word, Bearer: word, Salt: word, URLs: []string{"redis://:" + word + "@db/0"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, out := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				fail()
			}), r.Clone(r.Context()))
			require.NotContains(t, w.Body.String(), word)
			require.NotContains(t, out, word)
		})
	}
}

// Later changes of the header by the application, on any goroutine, do not show and do not end the
// process: reading a map that is written to is a fatal error.
func TestTheHeaderIsTheClients(t *testing.T) {
	r := local("GET", "/")
	r.Header.Set("Accept", "application/json")
	r.Header["X-Twice"] = []string{"one", "two"}
	r.Header.Set("Cookie", "a=b")
	app := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		writing, written := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(written)
			for i := range 200_000 {
				r.Header["X-Mine"] = []string{"later"}
				delete(r.Header, "Accept")
				if i == 1000 {
					close(writing)
				}
			}
		}()
		t.Cleanup(func() { <-written })
		<-writing
		panic("at once")
	})
	rep := report(t, app, r)
	require.Equal(t, []debugger.Field{{Name: "Accept", Value: "application/json"}, {Name: "X-Twice", Value: "one"}, {Name: "X-Twice", Value: "two"}}, rep.Request.Headers)
	require.Equal(t, []debugger.Field{{Name: "a", Value: "b"}}, rep.Request.Cookies)
}

func TestWhoAsksIsKnownThoughTheApplicationForgets(t *testing.T) {
	r := local("GET", "/")
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	w, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.Header.Del("X-Forwarded-For")
		panic("a secret")
	}), r)
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String(), "a secret")
}

func TestBodiesAreLeftAlone(t *testing.T) {
	r := local("POST", "/")
	body := strings.NewReader("a=1")
	r.Body = io.NopCloser(body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rep := report(t, http.HandlerFunc(fails), r)
	require.False(t, rep.Request.FormParsed)
	require.Equal(t, 3, body.Len())
}

func TestWhoMayRead(t *testing.T) {
	settings := debugger.Debugger{
		TrustedHosts: []string{"dev.test", ".shop.test"},
		TrustedPeers: []netip.Prefix{netip.MustParsePrefix("192.168.7.0/24")},
	}
	for _, c := range []struct {
		name  string
		ask   func(*http.Request)
		reads bool
	}{
		{"this machine", func(*http.Request) {}, true},
		{"this machine over IPv6", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:1", "[::1]:5000" }, true},
		{"a name below localhost", func(r *http.Request) { r.Host = "App.Localhost:80" }, true},
		{"an address of the loopback network", func(r *http.Request) { r.Host = "127.0.0.2" }, true},
		{"a trusted host", func(r *http.Request) { r.Host = "DEV.test:1" }, true},
		{"a name below a trusted one", func(r *http.Request) { r.Host = "eu.shop.test" }, true},
		{"a trusted peer", func(r *http.Request) { r.RemoteAddr = "192.168.7.9:1" }, true},
		{"a proxy on this machine for this machine", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1") }, true},
		{"another machine", func(r *http.Request) { other(r); r.RemoteAddr = "192.0.2.1:1" }, false},
		{"another user of this machine", other, false},
		{"a trusted peer, whoever it is", func(r *http.Request) { other(r); r.RemoteAddr = "192.168.7.9:1" }, true},
		{"another host name, which points here", func(r *http.Request) { r.Host = "evil.example" }, false},
		{"a name that only ends like a trusted one", func(r *http.Request) { r.Host = "evilshop.test" }, false},
		{"a name that starts like localhost", func(r *http.Request) { r.Host = "localhost.evil.example" }, false},
		{"no host", func(r *http.Request) { r.Host = "" }, false},
		{"a proxy on this machine for another", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "127.0.0.1, 192.0.2.1") }, false},
		{"a proxy that says no address", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "unknown") }, false},
		{"a proxy with the other header", func(r *http.Request) { r.Header.Set("Forwarded", "for=127.0.0.1") }, false},
		{"a proxy that names itself", func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, false},
		{"a proxy that was asked for another host", func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "evil.example") }, false},
		{"a proxy of a cloud", func(r *http.Request) { r.Header.Set("Cf-Connecting-Ip", "192.0.2.1") }, false},
		{"a page of this machine on another port", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Set("Origin", "http://localhost:3000")
		}, true},
		{"a link on a page elsewhere", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, true},
		{"a form on a page elsewhere", func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, true},
		{"a frame in a page elsewhere", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}, false},
		{"a script of a page elsewhere", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("Origin", "https://evil.example")
		}, false},
		{"a script of a page elsewhere in an old browser", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, false},
		{"a script of nowhere", func(r *http.Request) { r.Header.Set("Origin", "null") }, false},
		{"an address that a proxy fix found", func(r *http.Request) {
			o := gateway.OriginOf(r)
			o.Client = netip.MustParseAddrPort("192.0.2.1:0")
			*r = *gateway.WithOrigin(r.WithContext(r.Context()), o)
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := local("GET", "/")
			c.ask(r)
			var out bytes.Buffer
			settings.Output = &out
			w := httptest.NewRecorder()
			settings.Wrap(http.HandlerFunc(fails)).ServeHTTP(w, r)
			require.Equal(t, 500, w.Code)
			require.Equal(t, c.reads, strings.Contains(w.Body.String(), "debugger_test.go"))
			require.Equal(t, 1, strings.Count(out.String(), "panic: <script>"), "the log has it in any case")
			require.Equal(t, 1, strings.Count(out.String(), "matched")+strings.Count(out.String(), "\nGET "), "and once")
		})
	}
}

// other makes a request come from a process of another user, such as a web server.
func other(r *http.Request) {
	*r = *r.WithContext(peer.With(r.Context(), peer.Peer{UID: os.Getuid() + 1}))
}

func TestProductionIsRefused(t *testing.T) {
	for _, name := range []string{"ZEUG_ENV", "APP_ENV", "GO_ENV", "ENV", "ENVIRONMENT", "NODE_ENV", "FLASK_ENV", "RAILS_ENV", "RACK_ENV", "DJANGO_ENV"} {
		for value, refused := range map[string]bool{
			"production": true, "PROD": true, "prd": true, "live": true, " production\t": true,
			"": false, "development": false, "staging": false, "not production": false, "reproduction": false,
		} {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Setenv(name, value)
				require.Equal(t, refused, errors.Is(debugger.Debugger{}.Check(), debugger.ErrProduction))
			})
		}
	}
	t.Setenv("APP_ENV", "Production")
	require.ErrorIs(t, debugger.Debugger{}.Check(), debugger.ErrProduction)
	require.ErrorContains(t, debugger.Debugger{}.Check(), "APP_ENV=Production")
	require.Panics(t, func() { debugger.Debugger{}.Wrap(http.NotFoundHandler()) })
	t.Setenv("APP_ENV", "development")
	require.NoError(t, debugger.Debugger{}.Check())
}

func TestThePageTakesThePlaceOfAnAnswerThatHadBegun(t *testing.T) {
	w, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, "half a page")
		defer func() { _, _ = io.WriteString(w, "a footer") }()
		panic("late")
	}), local("GET", "/"))
	require.Equal(t, 500, w.Code)
	require.Empty(t, w.Header().Get("Content-Encoding"))
	require.NotContains(t, w.Body.String(), "half a page\n")
	require.True(t, strings.HasSuffix(w.Body.String(), "</html>\n"))
}

func TestOrdinaryAnswersPassUnchanged(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		length  int
	}{
		{"nothing written", func(http.ResponseWriter, *http.Request) {}, 200, 0},
		{"a status alone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, 0},
		{"a body", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }, 200, 5},
		{"a body beyond the buffer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big) }, 200, 3 << 20},
		{"a file beyond the buffer", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader(big)) }, 200, 3 << 20},
		{"a small reader", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("abc"))
		}, 200, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(debugger.Debugger{}.Wrap(c.handler))
			defer server.Close()
			resp, err := http.Get(server.URL)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, c.status, resp.StatusCode)
			require.Len(t, body, c.length)
		})
	}
}

var quietLog = log.New(io.Discard, "", 0)

// quiet starts a server that does not print its messages about aborted
// handlers.
func quiet(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quietLog
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func TestStreamsThatFailAreAborted(t *testing.T) {
	var out syncBuffer
	server := quiet(t, debugger.Debugger{Output: &out}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(err)
		}
		panic("after the flush")
	})))
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "first", string(body))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client can tell that the answer is not whole")
	require.Contains(t, out.String(), "after the flush")
	require.Contains(t, out.String(), "The answer had begun")
}

func TestAbortAndGoexitAreNotFailures(t *testing.T) {
	var out syncBuffer
	for name, stop := range map[string]func(){
		"http.ErrAbortHandler": func() { panic(http.ErrAbortHandler) },
		"runtime.Goexit":       func() { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			server := quiet(t, debugger.Debugger{Output: &out}.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stop() })))
			_, err := http.Get(server.URL)
			require.Error(t, err)
			require.Empty(t, out.String())
		})
	}
}

func TestHijackGoesThrough(t *testing.T) {
	server := quiet(t, debugger.Debugger{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = conn.Close()
	})))
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 418, resp.StatusCode)
}

func TestTwentyFailuresAtOnce(t *testing.T) {
	var out syncBuffer
	h := debugger.Debugger{Output: &out}.Wrap(http.HandlerFunc(fails))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, local("GET", "/"))
			if w.Code != 500 {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 20, strings.Count(out.String(), "panic: <script>"))
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func BenchmarkOrdinaryRequest(b *testing.B) {
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	r := local("GET", "/")
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Connection", "Cookie", "Sec-Fetch-Dest",
		"Sec-Fetch-Mode", "Sec-Fetch-Site", "Upgrade-Insecure-Requests", "User-Agent"} {
		r.Header.Set(name, "as in a browser")
	}
	for name, h := range map[string]http.Handler{"bare": app, "debugger": debugger.Debugger{}.Wrap(app)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := discard{http.Header{}}
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// A view's multipart form is not in the fields of the request, and shown all the same.
func TestTheFormOfAViewIsShown(t *testing.T) {
	body := "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\n" +
		"Content-Disposition: form-data; name=f; filename=x.txt\r\n\r\nhello\r\n--B--\r\n"
	r := own(httptest.NewRequest("POST", "http://localhost:5000/", strings.NewReader(body)))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	rep := report(t, wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		_, err := req.Files()
		return nil, errors.Join(err, errors.New("failed after the form"))
	}), r)
	require.True(t, rep.Request.FormParsed)
	require.Equal(t, []debugger.Field{{Name: "a", Value: "1"}}, rep.Request.Form)
	require.Equal(t, []debugger.Field{{Name: "f", Value: "x.txt (5 bytes)"}}, rep.Request.Files)
}
