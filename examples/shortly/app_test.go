package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/internal/redistest"
	"github.com/zeugkit/zeug/webtest"
)

func newTestApp(t *testing.T, client redis.UniversalClient) *App {
	t.Helper()
	app, err := NewApp(&Links{redis: client}, "")
	require.NoError(t, err)
	return app
}

func submit(target string) url.Values { return url.Values{"url": {target}} }

func TestShortlyOnEveryRedis(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, client redis.UniversalClient) {
		app, err := NewApp(&Links{redis: client, patience: longPatience}, "")
		require.NoError(t, err)
		person := webtest.New(t, app)
		const target = "https://example.org/a?b=c&d=ä#e"

		page := person.Get("/").Expect(200)
		require.Equal(t, "Create a short link | shortly", page.HTML("title").Text())
		require.Equal(t, 1, page.HTML("form input[name=url]").Length())

		created := person.Post("/", webtest.Form(submit(target))).Expect(303)
		require.Equal(t, "/1+", created.Header.Get("Location"))
		require.Equal(t, "/1+", person.Post("/", webtest.Form(submit(target))).Expect(303).Header.Get("Location"), "a URL keeps its id")

		details := person.Get("/1+").Expect(200)
		require.Equal(t, "Details about /1 | shortly", details.HTML("title").Text())
		require.Equal(t, target, details.HTML(".target dd").Text())
		require.Equal(t, "example.org", details.HTML(".host dd").Text())
		require.Equal(t, "0", details.HTML(".count dd").Text())
		require.Equal(t, "http://example.com/1", details.HTML("#short").Text())

		for range 2 {
			require.Equal(t, "https://example.org/a?b=c&d=%C3%A4#e", person.Get("/1").Expect(302).Header.Get("Location"))
		}
		require.Equal(t, "2", person.Get("/1+").HTML(".count dd").Text())

		for _, nothing := range []string{"/2", "/2+", "/+", "/a/b", "/1++", "/%00", "/1%2B"} {
			missing := person.Get(nothing)
			if nothing == "/1%2B" { // an encoded plus is a plus
				missing.Expect(200)
				continue
			}
			missing.Expect(404)
			require.Equal(t, "There is no such link.", missing.HTML("h1").Text())
		}
		require.Equal(t, "GET, HEAD", person.Post("/1").Expect(405).Header.Get("Allow"))
		require.Equal(t, "GET, HEAD, POST", person.Delete("/").Expect(405).Header.Get("Allow"))
	})
}

func TestWhatIsNoURLComesBack(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	for _, typed := range []string{"", "example.org", "javascript:alert(1)", `"><script>alert(1)</script>`, "http://", "ftp://x/", `' onfocus='alert(1)`, "{{ 7|add:7 }}"} {
		page := person.Post("/", webtest.Form(submit(typed))).Expect(422)
		require.Equal(t, typed, page.HTML("input[name=url]").AttrOr("value", "none"))
		require.Contains(t, page.HTML("#error").Text(), "Please enter a")
		require.Zero(t, page.HTML("script").Length())
		require.Equal(t, 1, page.HTML("input").Length())
	}
	person.Post("/", webtest.Form(url.Values{"other": {"x"}})).Expect(422)
	person.Post("/", webtest.Body("application/x-www-form-urlencoded", strings.NewReader(strings.Repeat("a", 1<<20)))).Expect(413)
}

func TestNothingTypedLeavesThePageAsMarkup(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	for n, typed := range []string{
		`https://example.org/"><script>alert(1)</script>`,
		`https://example.org/'><img src=x onerror=alert(1)>`,
		`https://user"><b>@example.org/`,
		"https://example.org/{{ 7|add:7 }}{% now \"2006\" %}",
	} {
		created := person.Post("/", webtest.Form(submit(typed)))
		if created.Status == 422 { // a user's name with a bracket in it
			require.Equal(t, typed, created.HTML("input[name=url]").AttrOr("value", ""))
			continue
		}
		page := person.Get(created.Expect(303).Header.Get("Location")).Expect(200)
		require.Equal(t, typed, page.HTML(".target dd").Text(), n)
		require.Zero(t, page.HTML("dl script, dl img, dl b").Length())
		for _, policy := range []string{"default-src 'none'", "script-src 'self'", "form-action 'self'"} {
			require.Contains(t, page.Header.Get("Content-Security-Policy"), policy)
		}
		location := person.Get(strings.TrimSuffix(created.Header.Get("Location"), "+")).Expect(302).Header.Get("Location")
		require.True(t, strings.HasPrefix(location, "https://example.org/"), location)
	}
}

func TestStaticFiles(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	plain := person.Get("/static/style.css").Expect(200)
	require.Equal(t, "text/css; charset=utf-8", plain.Header.Get("Content-Type"))
	person.Get("/static/style.css", webtest.Header("If-None-Match", plain.Header.Get("ETag"))).Expect(304)
	for _, link := range []string{"link[rel=stylesheet]", "link[rel=icon]"} {
		address := person.Get("/").HTML(link).AttrOr("href", "")
		require.Contains(t, person.Get(address).Expect(200).Header.Get("Cache-Control"), "immutable")
	}
	for _, nothing := range []string{"/static/", "/static/nothing.css", "/static/../app.go", "/static/%2e%2e/main.go", "/templates/layout.html"} {
		person.Get(nothing).Expect(404)
	}
}

func TestWhoAsksWhereALinkLeadsIsNotCounted(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	person.Post("/", webtest.Form(submit("https://example.org/"))).Expect(303)
	require.Equal(t, "https://example.org/", person.Head("/1").Expect(302).Header.Get("Location"))
	require.Equal(t, "0", person.Get("/1+").HTML(".count dd").Text())
	person.Get("/1").Expect(302)
	require.Equal(t, "1", person.Get("/1+").HTML(".count dd").Text())
	person.Head("/2").Expect(404)
}

// TestNoLinkLeadsInACircle guesses the id that a link to itself would have.
func TestNoLinkLeadsInACircle(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	page := person.Post("/", webtest.Form(submit("http://example.com/1"))).Expect(422)
	require.Contains(t, page.HTML("#error").Text(), "another site")
	person.Get("/1").Expect(404)
}

func TestEveryAnswerHasItsPageAndPolicy(t *testing.T) {
	person := webtest.New(t, newTestApp(t, connect(t, startEmbedded(t))))
	form := webtest.Body("application/x-www-form-urlencoded", strings.NewReader("url=https://example.org/"))
	for name, c := range map[string]struct {
		page   *webtest.Response
		status int
		title  string
	}{
		"the form":        {person.Get("/"), 200, "Create a short link"},
		"another method":  {person.Delete("/"), 405, "Method Not Allowed"},
		"no such link":    {person.Get("/none"), 404, "Page not found"},
		"another site's":  {person.Post("/", form, webtest.Header("Sec-Fetch-Site", "cross-site")), 403, "Forbidden"},
		"a form too long": {person.Post("/", webtest.Form(submit(strings.Repeat("a", 1<<20)))), 413, "Content Too Large"},
		"a broken form":   {person.Post("/", webtest.Body("multipart/form-data", strings.NewReader("x"))), 400, "Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.status, c.page.Status)
			require.Equal(t, c.title+" | shortly", c.page.HTML("title").Text())
			require.Equal(t, policy, c.page.Header.Get("Content-Security-Policy"))
			require.Equal(t, "nosniff", c.page.Header.Get("X-Content-Type-Options"))
		})
	}
	require.Equal(t, "GET, HEAD, POST", person.Delete("/").Header.Get("Allow"))
}

// TestUnderAPrefix mounts the same application under a path, as the headers of a proxy say.
func TestUnderAPrefix(t *testing.T) {
	app, err := (&settings{dir: "", proxies: 1}).open()
	require.NoError(t, err)
	person := webtest.New(t, app).With(
		webtest.Header("X-Forwarded-Prefix", "/s"), webtest.Header("X-Forwarded-Host", "go.example"),
		webtest.Header("X-Forwarded-Proto", "https"), webtest.Header("X-Forwarded-For", "192.0.2.7"))
	page := person.Get("/").Expect(200)
	require.Equal(t, "/s/", page.HTML("form").AttrOr("action", ""))
	require.True(t, strings.HasPrefix(page.HTML("link[rel=stylesheet]").AttrOr("href", ""), "/s/static/style."))
	require.Equal(t, "/s/1+", person.Post("/", webtest.Form(submit("https://example.org/"))).Expect(303).Header.Get("Location"))
	details := person.Get("/1+").Expect(200)
	require.Equal(t, "https://go.example/s/1", details.HTML("#short").Text())
	require.Equal(t, "/s/1", details.HTML("#short").AttrOr("href", ""))

	unbelieving, err := (&settings{dir: "", proxies: 0}).open()
	require.NoError(t, err)
	page = webtest.New(t, unbelieving).Get("/", webtest.Header("X-Forwarded-Prefix", "/s"))
	require.Equal(t, "/", page.HTML("form").AttrOr("action", ""), "nobody is believed by default")
}

// TestBehindNginx is the same test with a real proxy.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx = "/usr/sbin/nginx"; !isFile(nginx) {
			t.Skip("nginx is not installed")
		}
	}
	app, err := (&settings{dir: "", proxies: 1}).open()
	require.NoError(t, err)
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	dir, port := t.TempDir(), freeport.Port(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, `
daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {
    listen 127.0.0.1:%s;
    location /tools/short/ {
      proxy_pass %s/;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix /tools/short;
    }
  }
}`, port, server.URL), 0o600))
	command := exec.Command(nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	require.NoError(t, command.Start())
	t.Cleanup(func() { command.Process.Signal(os.Interrupt); command.Wait() })
	base := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)

	person := webtest.Live(t, base)
	details := person.Post("/tools/short/", webtest.Form(submit("https://example.org/")), webtest.Follow).Expect(200)
	require.Equal(t, base+"/tools/short/1", details.HTML("#short").Text())
	require.Equal(t, "https://example.org/", person.Get(details.HTML("#short").AttrOr("href", "")).Expect(302).Header.Get("Location"))
	person.Get(details.HTML("link[rel=stylesheet]").AttrOr("href", "")).Expect(200)
	person.Get(details.HTML("script").AttrOr("src", "")).Expect(200)
	person.Get(details.HTML(".note a").AttrOr("href", "")).Expect(200)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func TestThePageWhenRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	client := connect(t, parse(t, "redis://"+s.Addr))
	person := webtest.New(t, newTestApp(t, client))
	person.Post("/", webtest.Form(submit("https://example.org/"))).Expect(303)
	s.Stop()

	person.Get("/").Expect(200)
	person.Get("/static/style.css").Expect(200)
	for name, ask := range map[string]func() *webtest.Response{
		"following":  func() *webtest.Response { return person.Get("/1") },
		"details":    func() *webtest.Response { return person.Get("/1+") },
		"submitting": func() *webtest.Response { return person.Post("/", webtest.Form(submit("https://example.org/new"))) },
	} {
		began := time.Now()
		page := ask().Expect(503)
		require.Less(t, time.Since(began), 2*time.Second, name)
		require.Equal(t, "5", page.Header.Get("Retry-After"))
		require.Equal(t, "The links are out of reach.", page.HTML("h1").Text())
		if name == "submitting" {
			require.Equal(t, "https://example.org/new", page.HTML("input[name=url]").AttrOr("value", ""), "what was typed is not lost")
		}
	}
	s.Start(t)
	require.NoError(t, s.Client.Set(t.Context(), "url-target:1", "https://example.org/", 0).Err())
	require.Eventually(t, func() bool { return person.Get("/1").Status == 302 }, time.Minute, 20*time.Millisecond)
}

// TestWhatWerkzeugsShortlyWrote serves links of the other shortly, whose ids
// and URLs are less strict.
func TestWhatWerkzeugsShortlyWrote(t *testing.T) {
	client := connect(t, startEmbedded(t))
	ctx := t.Context()
	require.NoError(t, client.MSet(ctx,
		"last-url-id", "40", "url-target:14", "http:foo bar", "reverse-url:http:foo bar", "14", "click-count:14", "7",
		"url-target:my-link", "https://example.org/", "url-target:z", "javascript:alert(1)").Err())
	person := webtest.New(t, newTestApp(t, client))
	details := person.Get("/14+").Expect(200)
	require.Equal(t, "7", details.HTML(".count dd").Text())
	require.Equal(t, "http:foo bar", details.HTML(".target dd").Text())
	require.Equal(t, "http:foo%20bar", person.Get("/14").Expect(302).Header.Get("Location"))
	require.Equal(t, "https://example.org/", person.Get("/my-link").Expect(302).Header.Get("Location"))
	require.Equal(t, "/15+", person.Post("/", webtest.Form(submit("https://example.org/41"))).Expect(303).Header.Get("Location"))
	require.Zero(t, person.Get("/z+").Expect(200).HTML("[href^='javascript:']").Length())

	require.NoError(t, client.Set(ctx, "click-count:14", "many", 0).Err())
	person.Get("/14+").Expect(500)
}

func TestPagesFromDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "templates"), os.DirFS("templates")))
	require.NoError(t, os.CopyFS(filepath.Join(dir, "static"), os.DirFS("static")))
	app, err := (&settings{dir: dir, proxies: 0}).open()
	require.NoError(t, err)
	person := webtest.New(t, app)
	person.Get("/").Expect(200)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "templates", "404.html"), []byte("<h1>changed {{ 1|add:1 }}</h1>"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "static", "style.css"), []byte("p{}"), 0o600))
	require.Equal(t, "changed 2", person.Get("/nothing").Expect(404).HTML("h1").Text())
	require.Equal(t, "p{}", person.Get("/static/style.css").Text())

	require.NoError(t, os.WriteFile(filepath.Join(dir, "templates", "404.html"), []byte("{% nonsense %}"), 0o600))
	person.Get("/nothing").Expect(500)
}

func TestNewAppRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		settings
		want string
	}{
		"an invalid address":            {settings{redis: "localhost"}, "no scheme"},
		"an invalid directory":          {settings{dir: "nothing"}, "templates and static files"},
		"a directory without pages":     {settings{dir: t.TempDir()}, "static"},
		"less than no proxies":          {settings{proxies: -1}, "-proxies -1"},
		"a negative cache":              {settings{cacheMiB: -1}, "-cache -1"},
		"an unknown way to count":       {settings{clicks: "never"}, `-clicks "never"`},
		"a negative block of ids":       {settings{block: -1}, "-ids -1"},
		"less than no replicas":         {settings{replicas: -1}, "-replicas -1"},
		"a negative rate":               {settings{perMinute: -1}, "-rate -1"},
		"a delay that lies in the past": {settings{drainDelay: -1}, "-drain-delay -1ns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.settings.open()
			require.ErrorContains(t, err, c.want)
		})
	}
}

// TestMain runs the program itself if a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("SHORTLY_RUNS_AS_PROGRAM") != "" {
		main()
		return
	}
	// The parallel tests wait for servers, so that more of them may run than there are processors. Those that use the
	// processor, or expect an answer within a time, run alone before.
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func program(t *testing.T, variables []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), self, args...)
	command.Env = append(os.Environ(), "SHORTLY_RUNS_AS_PROGRAM=1", "REDIS_URL=")
	command.Env = append(command.Env, variables...)
	return command
}

func TestProgram(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	for name, c := range map[string]struct {
		variables, args []string
		says            string
	}{
		"without a Redis":     {nil, nil, "Links are kept in memory only"},
		"with one, by a flag": {nil, []string{"-redis", "redis://:pw@" + s.Addr}, "Links are kept in the Redis at " + s.Addr},
		"by a variable":       {[]string{"REDIS_URL=redis://" + s.Addr + "/3"}, nil, "Links are kept in the Redis at " + s.Addr + ", database 3"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := "127.0.0.1:" + freeport.Port(t)
			command := program(t, c.variables, append(c.args, "-addr", addr)...)
			stderr, err := command.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, command.Start())
			require.Eventually(t, func() bool {
				resp, err := http.Get("http://" + addr)
				if err == nil {
					resp.Body.Close()
				}
				return err == nil
			}, time.Minute, 10*time.Millisecond)
			require.NoError(t, command.Process.Signal(os.Interrupt))
			said, _ := io.ReadAll(stderr)
			require.NoError(t, command.Wait(), "%s", said)
			require.Contains(t, string(said), c.says)
			require.NotContains(t, string(said), "pw")
		})
	}
	for name, args := range map[string][]string{
		"an invalid address": {"-redis", "localhost:6379"},
		"an argument":        {"run"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			out, err := program(t, nil, args...).CombinedOutput()
			require.Error(t, err)
			require.Equal(t, 1, strings.Count(string(out), "\n"), "%s", out)
			require.Contains(t, string(out), `"level":"ERROR"`)
		})
	}
}

func TestTheAccessLogNamesTheClientBehindAProxy(t *testing.T) {
	t.Parallel()
	addr := "127.0.0.1:" + freeport.Port(t)
	command := program(t, nil, "-proxies", "1", "-addr", addr)
	stderr, err := command.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	r, err := http.NewRequest("GET", "http://"+addr+"/", nil)
	require.NoError(t, err)
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	require.Eventually(t, func() bool {
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	said, err := io.ReadAll(stderr)
	require.NoError(t, err)
	require.NoError(t, command.Wait(), "%s", said)
	require.Equal(t, 1, strings.Count(string(said), `"msg":"request"`), "%s", said)
	require.Regexp(t, `"msg":"request","client":"203\.0\.113\.9`, string(said))
}
