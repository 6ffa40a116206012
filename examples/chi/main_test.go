package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/webtest"
)

func testApp(t *testing.T) http.Handler {
	static, err := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: "static"}}}.Open()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, static.Close()) })
	return newApp(static)
}

func TestLinksLeadToChisRoutes(t *testing.T) {
	client := webtest.New(t, testApp(t))
	page := client.Get("/").Expect(200)
	require.Equal(t, 2, page.HTML("a").Length())
	require.Equal(t, "Middlemarch", page.Click("li:first-child a").Expect(200).HTML("h1").Text())
	client.Get("/books/9").Expect(404)
}

func TestEveryURLThatIsBuiltHasARoute(t *testing.T) {
	routes := map[string]bool{}
	err := chi.Walk(testApp(t).(chi.Router), func(_, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes[pattern] = true
		return nil
	})
	require.NoError(t, err)
	for rule := range urls.All() {
		pattern := strings.NewReplacer("<", "{", ">", "}").Replace(rule.Path)
		require.Contains(t, routes, pattern)
	}
}

func TestStaticFilesHaveFingerprints(t *testing.T) {
	client := webtest.New(t, testApp(t))
	style, _ := client.Get("/").HTML("link").Attr("href")
	require.Regexp(t, `^/static/style\.[0-9a-f]{12}\.css$`, style)
	require.Contains(t, client.Get(style).Expect(200).Header.Get("Cache-Control"), "immutable")
}

func TestURLsHaveThePrefixThatTheProxyRemoved(t *testing.T) {
	client := webtest.New(t, middleware.ProxyFix{Prefix: 1}.Wrap(testApp(t)))
	page := client.Get("/", webtest.Header("X-Forwarded-Prefix", "/shop"))
	require.Equal(t, "/shop/books/1", page.HTML("li:first-child a").AttrOr("href", ""))
	require.Contains(t, page.HTML("link").AttrOr("href", ""), "/shop/static/style.")
}

// TestTheGuideShowsTheDiff requires that the guide's diff leads from the former version to this one.
func TestTheGuideShowsTheDiff(t *testing.T) {
	guide, err := os.ReadFile("../../docs/coming-from-chi.md")
	require.NoError(t, err)
	_, diff, _ := strings.Cut(string(guide), "```diff\n")
	diff, _, closed := strings.Cut(diff, "```")
	require.True(t, closed)
	for _, side := range []struct{ file, sign string }{{"before/main.go", "-"}, {"main.go", "+"}} {
		text, err := os.ReadFile(side.file)
		require.NoError(t, err)
		lines := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			lines[strings.TrimSpace(line)] = true
		}
		shown := 0
		for line := range strings.Lines(diff) {
			if strings.HasPrefix(line, side.sign) || strings.HasPrefix(line, " ") {
				shown++
				require.Contains(t, lines, strings.TrimSpace(line[1:]), side.file)
			}
		}
		require.NotZero(t, shown)
	}
}

// docs/routing.md says how chi and Zeug differ if a segment has two variables.
func TestTwoVariablesInASegmentOfChi(t *testing.T) {
	router := chi.NewRouter()
	router.Get("/{file}.{ext}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(chi.URLParam(r, "file") + " " + chi.URLParam(r, "ext")))
	})
	require.Equal(t, "a b.c", webtest.New(t, router).Get("/a.b.c").Expect(200).Text())
}

// docs/routing.md shows how a Map is mounted in ServeMux; this does the same in chi.
func TestAMapInsideChi(t *testing.T) {
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/posts/", Target: http.NotFoundHandler()})
	router := chi.NewRouter()
	router.Mount("/blog", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if inner, ok := gateway.Mount(r, "/blog"); ok {
			urls.Handler().ServeHTTP(w, inner)
		}
	}))
	router.Mount("/stripped", http.StripPrefix("/stripped", urls.Handler()))
	client := webtest.New(t, router)
	require.Equal(t, "/blog/posts/", client.Get("/blog/posts").Expect(308).Header.Get("Location"))
	require.Equal(t, "/posts/", client.Get("/stripped/posts").Expect(308).Header.Get("Location"))
}
