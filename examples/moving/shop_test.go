package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/webtest"
)

const secret = "a secret of this test"

// interpreter is a Python that has Flask. The system's is asked first, because it starts faster than those of version
// managers.
var interpreter = sync.OnceValue(func() string {
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import flask").Run() == nil {
			return name
		}
	}
	return ""
})

// startLegacy runs the Python application as it was.
func startLegacy(t *testing.T) *wsgi.Application {
	t.Helper()
	python := interpreter()
	if python == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Python has Flask: install python3-flask")
		}
		t.Skip("no Python has Flask: install python3-flask")
	}
	legacy, err := wsgi.Start(wsgi.Config{App: "shop:app", Dir: "legacy", Python: python, Workers: 1, Env: []string{"SHOP_SECRET=" + secret}})
	require.NoError(t, err)
	t.Cleanup(func() { legacy.Close() })
	return legacy
}

func TestAVisitorDoesNotNoticeTheMove(t *testing.T) {
	legacy := startLegacy(t)
	moved, err := newShop(secret, legacy)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		app http.Handler
		by  string
	}{"before": {legacy, "by Python"}, "afterwards": {moved, "by Go"}} {
		t.Run(name, func(t *testing.T) {
			browser := webtest.New(t, c.app)
			login := browser.Get("/").Expect(200).Click("a[href='/login']").Expect(200)
			index := login.Submit("form", url.Values{"user": {"Ada"}}, webtest.Follow).Expect(200)
			require.Contains(t, index.HTML("p").Text(), "Hello, Ada.")
			index.Submit("form[action='/cart/gear']", nil, webtest.Follow).Expect(200)
			cart := index.Submit("form[action='/cart/gear']", nil, webtest.Follow).Expect(200)
			require.Equal(t, "2 × gear", cart.HTML("li").Text())
			require.Contains(t, cart.Header.Get("Vary"), "Cookie", "caches must not show it to others")
			require.Equal(t, c.by, cart.HTML("footer").Text())
			checkout := cart.Click("a[href='/checkout']").Expect(200)
			require.Equal(t, "Ada pays 24 €.", checkout.HTML("#total").Text())
			require.Equal(t, "by Python", checkout.HTML("footer").Text())

			browser.Post("/cart/anchor").Expect(404)
			browser.Get("/nothing").Expect(404)
			browser.Delete("/cart").Expect(405)
		})
	}
}

// For a route that has moved, no spelling of its path or method reaches the view in Python.
func TestNoSpellingPassesByARouteThatHasMoved(t *testing.T) {
	legacy := startLegacy(t)
	passed := ""
	moved, err := newShop(secret, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed = r.Method + " " + r.URL.Path
		legacy.ServeHTTP(w, r)
	}))
	require.NoError(t, err)
	server := httptest.NewServer(moved)
	defer server.Close()
	check := func(t *testing.T, line, field string) {
		t.Run(line+", "+field, func(t *testing.T) {
			passed = ""
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, line+" HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n"+field+"\r\n\r\n")
			require.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			defer resp.Body.Close()
			switch {
			case passed == "":
			case resp.StatusCode == http.StatusPermanentRedirect: // to the route that has moved
				require.Equal(t, "http://shop.example/cart/gear", resp.Header.Get("Location"))
			default:
				require.Equal(t, http.StatusNotFound, resp.StatusCode, "Python answers %s", passed)
			}
		})
	}
	for _, line := range []string{
		"POST /cart/gear", "POST /cart%2Fgear", "POST /cart%2fgear", "POST /c%61rt/ge%61r", "POST %2Fcart/gear", "POST //cart/gear",
		"POST /cart//gear", "POST /cart/gear#x", "POST /cart%2Fgear#x?y", "post /cart/gear", "Post /cart%2Fgear", "POST /cart/gear;x", "POST /cart/gear?x#y",
		"POST /x/../cart/gear", "POST /./cart/gear", "POST /cart/gear/", "POST http://other.example/cart%2Fgear",
	} {
		check(t, line, "Connection: close")
	}
	check(t, "POST /cart/gear", "Connection: Upgrade, close\r\nUpgrade: websocket")
}

// The route moves there, or back, in the middle of a visit.
func TestACartIsReadByTheOtherSide(t *testing.T) {
	legacy := startLegacy(t)
	moved, err := newShop(secret, legacy)
	require.NoError(t, err)
	sides := http.NewServeMux()
	sides.Handle("python.example/", legacy)
	sides.Handle("go.example/", moved)
	for from, to := range map[string]string{"python": "go", "go": "python"} {
		t.Run("from "+from, func(t *testing.T) {
			browser := webtest.New(t, sides)
			first := browser.Post("http://" + from + ".example/cart/spring")
			require.Contains(t, []int{302, 303}, first.Status)
			cookie := first.Cookie("session")
			require.NotNil(t, cookie)
			there := browser.Post("http://"+to+".example/cart/spring", webtest.Header("Cookie", cookie.Name+"="+cookie.Value))
			cookie = there.Cookie("session")
			require.NotNil(t, cookie)
			back := browser.Get("http://"+from+".example/cart", webtest.Header("Cookie", cookie.Name+"="+cookie.Value)).Expect(200)
			require.Equal(t, "2 × spring", back.HTML("li").Text())
		})
	}
	t.Run("unless the secret is another", func(t *testing.T) {
		stranger, err := newShop("another secret", legacy)
		require.NoError(t, err)
		cookie := webtest.New(t, legacy).Post("/cart/spring").Cookie("session")
		cart := webtest.New(t, stranger).Get("/cart", webtest.Header("Cookie", cookie.Name+"="+cookie.Value)).Expect(200)
		require.Equal(t, "Nothing yet.", cart.HTML("li").Text())
	})
}
