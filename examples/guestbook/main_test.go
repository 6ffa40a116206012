package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

// png is the smallest file that a browser accepts as a picture.
const png = "\x89PNG\r\n\x1a\n"

// visit returns a browser at a new guestbook.
func visit(t *testing.T) *webtest.Client {
	t.Chdir(t.TempDir())
	return webtest.New(t, newApp(), webtest.Follow)
}

// logIn logs a browser in.
func logIn(client *webtest.Client, name, password string) *webtest.Response {
	return client.Get("/").Submit("#login", url.Values{"Name": {name}, "Password": {password}}).Expect(200)
}

func flash(page *webtest.Response) string { return page.HTML(".flash").Text() }

func TestVisitorsLogInAndWrite(t *testing.T) {
	client := visit(t)
	require.Contains(t, client.Get("/").HTML("main").Text(), "Nobody has written yet.")

	page := logIn(client, "Ada", "correct horse")
	require.Equal(t, "Welcome, Ada!", flash(page))
	page = page.Submit("#write", url.Values{"Text": {"Hello,\nworld"}}).Expect(200)
	require.Equal(t, "Thank you for your message.", flash(page))
	require.Equal(t, "Hello,\nworld", page.HTML("article p").Text())
	require.Contains(t, page.HTML("h2").Text(), "Ada")

	page = page.Submit("header form", nil).Expect(200)
	require.Equal(t, "You are logged out.", flash(page))
	require.Equal(t, 1, page.HTML("#login").Length())
	require.Equal(t, "Welcome, ada!", flash(logIn(client, "ada", "correct horse")), "names have no case")
}

func TestMessagesAreShownOnce(t *testing.T) {
	client := visit(t)
	require.NotEmpty(t, flash(logIn(client, "Ada", "correct horse")))
	require.Empty(t, flash(client.Get("/")))
}

func TestDataOutliveTheProgram(t *testing.T) {
	client := visit(t)
	logIn(client, "Ada", "correct horse").Submit("#write", url.Values{"Text": {"still here"}})
	again := webtest.New(t, newApp(), webtest.Follow)
	again.Jar = client.Jar
	page := again.Get("/")
	require.Equal(t, 1, page.HTML("#write").Length(), "the visitor is still logged in")
	require.Equal(t, "still here", page.HTML("article p").Text())
}

func TestLoginIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ name, password, want string }{
		"with a wrong password": {"Ada", "wrong horse", "This is not the password of Ada."},
		"with a short password": {"Eve", "1234567", "Please enter a name"},
		"without a name":        {" ", "correct horse", "Please enter a name"},
	} {
		t.Run(name, func(t *testing.T) {
			client := visit(t)
			logIn(client, "Ada", "correct horse").Submit("header form", nil)
			page := logIn(client, c.name, c.password)
			require.Contains(t, flash(page), c.want)
			require.Equal(t, 1, page.HTML("#login").Length())
		})
	}
}

func TestPicturesAreShown(t *testing.T) {
	client := visit(t)
	page := logIn(client, "Ada", "correct horse")
	for range 2 { // two files of one name
		page = page.Submit("#write", url.Values{"Text": {"look"}}, webtest.File("Picture", "Katze süß.PNG", strings.NewReader(png))).Expect(200)
	}
	require.Equal(t, 2, page.HTML("article img").Length())
	for _, img := range page.HTML("article img").EachIter() {
		picture := client.Get(img.AttrOr("src", "")).Expect(200)
		require.Equal(t, "image/png", picture.Header.Get("Content-Type"))
		require.Equal(t, png, picture.Text())
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	client := visit(t)
	page := logIn(client, "Ada", "correct horse")
	for _, name := range []string{"page.html", "drawing.svg", "cat.png.html", "../cat"} {
		page = page.Submit("#write", url.Values{"Text": {"look"}}, webtest.File("Picture", name, strings.NewReader("<script>"))).Expect(200)
		require.Contains(t, flash(page), "Please choose a picture")
	}
	require.Zero(t, page.HTML("article").Length())
	require.Contains(t, client.Get("/pictures/page.html").Expect(404).HTML("h1").Text(), "Not Found")
}

func TestTextOfVisitorsIsEscaped(t *testing.T) {
	client := visit(t)
	hostile := `<script>alert(1)</script>"'&`
	page := logIn(client, hostile, "correct horse")
	page = page.Submit("#write", url.Values{"Text": {hostile}}).Expect(200)
	require.Zero(t, page.HTML("script").Length())
	require.Equal(t, hostile, page.HTML("article p").Text())
	require.Contains(t, page.HTML("h2").Text(), hostile)
	require.Equal(t, "default-src 'self'", page.Header.Get("Content-Security-Policy"))
}

func TestPagesOfOtherSitesCannotWrite(t *testing.T) {
	client := visit(t)
	logIn(client, "Ada", "correct horse")
	form := url.Values{"Text": {"spam"}}
	client.Post("/", webtest.Form(form), webtest.FromPage("https://evil.example/")).Expect(http.StatusForbidden)
	require.Zero(t, client.Get("/").HTML("article").Length())
}

func TestStrangersCannotWrite(t *testing.T) {
	page := visit(t).Post("/", webtest.Form(url.Values{"Text": {"spam"}}))
	require.Equal(t, "Please log in and write something.", flash(page))
	require.Zero(t, page.HTML("article").Length())
}

func TestOldMessagesAreOnFurtherPages(t *testing.T) {
	client := visit(t)
	page := logIn(client, "Ada", "correct horse")
	for range 21 {
		page = page.Submit("#write", url.Values{"Text": {"again"}})
	}
	require.Equal(t, 20, page.HTML("article").Length())
	page = page.Click(".more a")
	require.Equal(t, 1, page.HTML("article").Length())
	require.Zero(t, page.HTML(".more").Length())
}

func TestStaticFilesHaveFingerprints(t *testing.T) {
	client := visit(t)
	style, _ := client.Get("/").HTML("link[rel=stylesheet]").Attr("href")
	require.Regexp(t, `^/static/style\.[0-9a-f]{12}\.css$`, style)
	require.Contains(t, client.Get(style).Expect(200).Header.Get("Cache-Control"), "immutable")
}
