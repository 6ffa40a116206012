package sessions

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/security"
)

func box(t testing.TB) *security.Box {
	b, err := security.NewBox(security.NewKey())
	require.NoError(t, err)
	return b
}

// kinds are the three places where sessions are kept.
func kinds(t *testing.T, test func(t *testing.T, m Manager)) {
	for name, m := range map[string]Manager{
		"sealed cookie": {Box: box(t)},
		"store":         {Store: &Memory{}},
		"Flask":         {Flask: &Flask{Secret: "the secret of both"}},
	} {
		t.Run(name, func(t *testing.T) { test(t, m) })
	}
}

type cart struct {
	Items map[string]int `json:"items"`
	Since time.Time      `json:"since"`
}

func TestValuesComeBack(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		want := cart{map[string]int{"pears; ü": 2}, time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)}
		cookies, w := visit(t, m, "", func(s *Session) {
			require.False(t, s.Has("user"))
			require.Zero(t, s.Int("user"))
			s.Set("user", 7)
			s.Set("name", "Ada")
			s.Set("admin", true)
			s.Set("cart", want)
			require.Equal(t, 7, s.Int("user"), "within the request already")
			want.Items["later"] = 1
			require.NoError(t, s.Err())
		})
		delete(want.Items, "later")
		require.Equal(t, []string{"Cookie"}, w.Result().Header["Vary"])
		require.Len(t, w.Result().Header["Set-Cookie"], 1)
		_, w = visit(t, m, cookies, func(s *Session) {
			require.Equal(t, 7, s.Int("user"))
			require.Equal(t, "Ada", s.String("name"))
			require.True(t, s.Bool("admin"))
			var got cart
			require.True(t, s.Get("cart", &got))
			require.Equal(t, want, got)
			got.Items["other"] = 1
			var again cart
			require.True(t, s.Get("cart", &again))
			require.Equal(t, want, again, "what Get returns is a copy")
			require.Equal(t, []string{"admin", "cart", "name", "user"}, s.Names())
			require.False(t, s.Get("name", new(int)), "of another type")
			require.Zero(t, s.Int("name"))
			require.Empty(t, s.String("user"))
		})
		require.Empty(t, w.Result().Header["Set-Cookie"], "nothing has changed")
		require.Equal(t, []string{"Cookie"}, w.Result().Header["Vary"])

		cookies, _ = visit(t, m, cookies, func(s *Session) { s.Delete("user", "none") })
		visit(t, m, cookies, func(s *Session) {
			require.False(t, s.Has("user"))
			require.True(t, s.Has("name"))
		})
	})
}

func TestASessionThatIsNotUsedCostsNothing(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		cookies, _ := visit(t, m, "", func(s *Session) { s.Set("user", 7) })
		if m.Store != nil {
			m.Store = failingStore{m.Store, errors.New("must not be asked")}
		}
		_, w := visit(t, m, cookies, func(*Session) {})
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Result().Header)
	})
}

func TestVisitorsWithoutASessionGetNoCookie(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		_, w := visit(t, m, "", func(s *Session) {
			s.String("user")
			s.Delete("user")
			s.Flashes()
			s.Clear()
			s.Renew()
		})
		require.Empty(t, w.Result().Header["Set-Cookie"])
		require.Equal(t, []string{"Cookie"}, w.Result().Header["Vary"])
	})
}

func TestMessagesAreShownOnce(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		cookies, _ := visit(t, m, "", func(s *Session) {
			s.Flash("saved <b>", "")
			s.Flash("but not sent", "error")
		})
		cookies, _ = visit(t, m, cookies, func(s *Session) { s.Flash("third", "error") })
		cookies, _ = visit(t, m, cookies, func(s *Session) {
			all := []Message{{"message", "saved <b>"}, {"error", "but not sent"}, {"error", "third"}}
			require.Equal(t, all[1:], s.Flashes("error"))
			require.Equal(t, all[:1], s.Flashes("message", "other"))
			require.Equal(t, all, s.Flashes(), "the same in the whole request")
			s.Flash("for the next page", "")
		})
		cookies, _ = visit(t, m, cookies, func(s *Session) {
			s.Flash("in this request", "now")
			require.Equal(t, []Message{{"message", "for the next page"}, {"now", "in this request"}}, s.Flashes())
		})
		visit(t, m, cookies, func(s *Session) { require.Empty(t, s.Flashes()) })
	})
}

func TestClearEndsTheSession(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		cookies, _ := visit(t, m, "", func(s *Session) {
			s.Set("user", 7)
			s.Flash("unread", "")
		})
		gone, w := visit(t, m, cookies, func(s *Session) { s.Clear() })
		require.Empty(t, gone)
		require.Contains(t, w.Result().Header.Get("Set-Cookie"), "Expires=Thu, 01 Jan 1970 00:00:00 GMT")
		other, _ := visit(t, m, cookies, func(s *Session) {
			s.Clear()
			s.Flash("you are logged out", "")
		})
		visit(t, m, other, func(s *Session) {
			require.False(t, s.Has("user"))
			require.Equal(t, []Message{{"message", "you are logged out"}}, s.Flashes())
		})
		if m.Store != nil {
			visit(t, m, cookies, func(s *Session) { require.Empty(t, s.Names(), "the old cookie is worth nothing") })
		}
	})
}

func TestRenewGivesANewID(t *testing.T) {
	m := Manager{Store: &Memory{}}
	planted, _ := visit(t, m, "", func(s *Session) {
		s.Set("cart", 1)
		s.Flash("hello", "")
	})
	var own string
	_, _ = visit(t, m, planted, func(s *Session) {
		s.Renew()
		s.Set("user", 7)
		// Another request of the visitor with the old id ends before this one.
		visit(t, m, planted, func(s *Session) {
			s.Set("cart", 2)
			s.Flash("meanwhile", "")
		})
	})
	own, w := visit(t, m, planted, func(s *Session) {
		require.Empty(t, s.Names(), "the old id is given up")
		s.Set("late", true)
	})
	require.Equal(t, planted, own, "a late request does not take the place of the cookie that the login has set")
	require.Empty(t, w.Result().Header["Set-Cookie"])
	login, w := visit(t, m, planted, func(s *Session) {
		s.Renew()
		s.Set("user", 8)
	})
	require.NotEqual(t, planted, login)
	require.Len(t, w.Result().Header["Set-Cookie"], 1, "a login with an id that was given up begins a session")
	visit(t, m, login, func(s *Session) { require.Equal(t, []string{"user"}, s.Names()) })
}

func TestRenewKeepsWhatOtherRequestsChangedMeanwhile(t *testing.T) {
	m := Manager{Store: &Memory{}}
	before, _ := visit(t, m, "", func(s *Session) {
		s.Set("cart", 1)
		s.Set("theme", "dark")
		s.Flash("first", "")
		s.Flash("second", "")
	})
	after, _ := visit(t, m, before, func(s *Session) {
		s.Set("user", 7)
		s.Set("theme", "light")
		s.Renew()
		visit(t, m, before, func(s *Session) {
			s.Flashes()
			s.Set("cart", 2)
			s.Set("theme", "blue")
			s.Flash("third", "")
		})
	})
	visit(t, m, after, func(s *Session) {
		require.Equal(t, 7, s.Int("user"))
		require.Equal(t, 2, s.Int("cart"))
		require.Equal(t, "light", s.String("theme"))
		require.Equal(t, []Message{{"message", "third"}}, s.Flashes())
	})
}

func TestSessionsExpire(t *testing.T) {
	for name, c := range map[string]struct {
		idle, maxAge time.Duration
		began, used  time.Duration // how long ago
		alive        bool
		life         time.Duration // of the cookie that is sent, 0 if there is none
	}{
		"used a moment ago":            {0, 0, 0, 0, true, 0},
		"used within a tenth":          {10 * time.Hour, 0, 10 * time.Hour, 50 * time.Minute, true, 0},
		"sliding":                      {10 * time.Hour, 0, 100 * time.Hour, 2 * time.Hour, true, 10 * time.Hour},
		"idle for too long":            {10 * time.Hour, 0, 100 * time.Hour, 10 * time.Hour, false, 0},
		"fixed":                        {-1, 10 * time.Hour, 9 * time.Hour, 9 * time.Hour, true, 0},
		"fixed, and over":              {-1, 10 * time.Hour, 10 * time.Hour, time.Minute, false, 0},
		"both":                         {4 * time.Hour, 10 * time.Hour, 8 * time.Hour, time.Hour, true, 2 * time.Hour},
		"the defaults":                 {0, 0, 100 * day, 13 * day, true, 14 * day},
		"the default is over":          {0, 0, 100 * day, 14 * day, false, 0},
		"no limit":                     {-1, -1, 390 * day, 39 * day, true, 0},
		"no limit, until browsers end": {-1, -1, 400 * day, 39 * day, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, m := range map[string]Manager{"sealed": {Box: box(t)}, "store": {Store: &Memory{}}} {
				m.Idle, m.MaxAge = c.idle, c.maxAge
				cookies := begin(t, m, time.Now().Add(-c.began), time.Now().Add(-c.used))
				_, w := visit(t, m, cookies, func(s *Session) { require.Equal(t, c.alive, s.Has("user"), kind) })
				if c.life == 0 {
					require.Empty(t, w.Result().Header["Set-Cookie"], kind)
					continue
				}
				sent, ok := datastructures.ParseSetCookie(w.Result().Header.Get("Set-Cookie"))
				require.True(t, ok, kind)
				require.InDelta(t, c.life.Seconds(), sent.MaxAge.Seconds(), 2, kind)
			}
		})
	}
}

// begin keeps a session with these times of its beginning and last use.
func begin(t *testing.T, m Manager, began, used time.Time) (cookies string) {
	done, err := m.complete()
	require.NoError(t, err)
	done.Idle, done.MaxAge = longestLife, 1<<62
	x := &exchange{Context: t.Context()}
	s := &x.session
	s.manager, s.request = done, httptest.NewRequest("GET", "/", nil)
	s.Set("user", 7)
	s.began = began
	c, err := done.keeper.save(s, used, false)
	require.NoError(t, err)
	if m.Store != nil {
		key, _ := keyOf(s.id)
		_, err = m.Store.Save(t.Context(), key, Change{Set: map[string][]byte{fieldBegan: fmt.Append(nil, began.Unix())}})
		require.NoError(t, err)
	}
	return c.Name + "=" + c.Value
}

func TestCookiesFollowTheRequest(t *testing.T) {
	for name, c := range map[string]struct {
		pattern datastructures.Cookie
		scheme  string
		want    string
	}{
		"http":       {datastructures.Cookie{}, "http", `^session=[\w-]+; Max-Age=1209600; HttpOnly; Path=/shop/; SameSite=Lax$`},
		"https":      {datastructures.Cookie{}, "https", `^session=[\w-]+; Max-Age=1209600; Secure; HttpOnly; Path=/shop/; SameSite=Lax$`},
		"a pattern":  {datastructures.Cookie{Name: "sid", Path: "/", SameSite: http.SameSiteStrictMode, Value: "x", MaxAge: 1}, "http", `^sid=[\w-]+; Max-Age=1209600; HttpOnly; Path=/; SameSite=Strict$`},
		"whole host": {datastructures.Cookie{Name: "__Host-sid"}, "https", `^__Host-sid=[\w-]+; Max-Age=1209600; Secure; HttpOnly; Path=/; SameSite=Lax$`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, m := range []Manager{{Box: box(t)}, {Store: &Memory{}}} {
				m.Cookie = c.pattern
				h := m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { Get(r).Set("user", 7) }))
				r := gateway.WithOrigin(httptest.NewRequest("GET", "/", nil), gateway.Origin{Scheme: c.scheme, Host: "example.org", RootPath: "/shop"})
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Regexp(t, c.want, w.Result().Header.Get("Set-Cookie"))
			}
		})
	}
}

func TestEveryKindOfAnswerSavesTheSession(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter, r *http.Request){
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"a header":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"bytes":       func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("x")) },
		"a string":    func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "x") },
		"a file":      func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "sessions.go") },
		"a copy":      func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, bufio.NewReader(strings.NewReader("x"))) },
		"an error":    func(w http.ResponseWriter, r *http.Request) { httperror.Respond(w, r, httperror.NotFound) },
		"a redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", 303) },
		"early hints": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(200) },
		"a stream": func(w http.ResponseWriter, _ *http.Request) {
			http.NewResponseController(w).Flush()
			io.WriteString(w, "x")
		},
		"a Vary of its own": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Vary", "Accept, cookie")
			w.WriteHeader(200)
		},
	}
	kinds(t, func(t *testing.T, m Manager) {
		for name, answer := range answers {
			t.Run(name, func(t *testing.T) {
				h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					Get(r).Set("user", 7)
					answer(w, r)
				}))
				server := httptest.NewServer(h)
				defer server.Close()
				resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequest("GET", server.URL, nil))
				require.NoError(t, err)
				resp.Body.Close()
				require.Len(t, resp.Header["Set-Cookie"], 1)
				require.Equal(t, 1, strings.Count(strings.ToLower(strings.Join(resp.Header["Vary"], ",")), "cookie"), resp.Header["Vary"])
				visit(t, m, strings.Split(resp.Header.Get("Set-Cookie"), ";")[0], func(s *Session) { require.Equal(t, 7, s.Int("user")) })
			})
		}
	})
}

func TestChangesAfterTheHeader(t *testing.T) {
	logged := capture(t)
	use := func(w http.ResponseWriter, r *http.Request) {
		Get(r).Has("user")
		w.WriteHeader(200)
		Get(r).Set("user", 8)
	}
	kinds(t, func(t *testing.T, m Manager) {
		cookies, _ := visit(t, m, "", func(s *Session) { s.Set("user", 7) })
		logged.Reset()
		serve(m.Wrap(http.HandlerFunc(use)), cookies)
		visit(t, m, cookies, func(s *Session) {
			if m.Store != nil {
				require.Equal(t, 8, s.Int("user"), "the cookie stays as it is")
				require.Empty(t, logged.String())
			} else {
				require.Equal(t, 7, s.Int("user"))
				require.Contains(t, logged.String(), "the change is lost")
			}
		})
		logged.Reset()
		w := serve(m.Wrap(http.HandlerFunc(use)), "")
		require.Equal(t, 200, w.Code)
		require.Contains(t, logged.String(), "the change is lost")
		for range 2 {
			logged.Reset()
			h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); Get(r).Has("user") }))
			serve(h, cookies)
			require.Contains(t, logged.String(), "first used when the response header is out")
			logged.Reset()
			serve(h, cookies)
			require.Empty(t, logged.String(), "said once")
		}
	})
}

// capture returns the log records.
func capture(t *testing.T) *strings.Builder {
	var b strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

func TestTheLogOfTheServerTellsOfStores(t *testing.T) {
	var b strings.Builder
	r := httptest.NewRequest("GET", "/", nil)
	r = r.WithContext(serverlog.With(r.Context(), slog.New(slog.NewTextHandler(&b, nil))))
	(&Session{request: r}).warn("session lost", io.ErrUnexpectedEOF)
	require.Contains(t, b.String(), `msg="session lost" method=GET path=/ err="unexpected EOF"`)
}

func TestWhatCannotBeKeptIsAnError(t *testing.T) {
	logged := capture(t)
	kinds(t, func(t *testing.T, m Manager) {
		m.MaxBytes = 6000
		for name, use := range map[string]func(*Session){
			"a function":    func(s *Session) { s.Set("f", func() {}) },
			"a large text":  func(s *Session) { s.Set("text", random(7000)) },
			"a large flash": func(s *Session) { s.Flash(random(7000), "") },
		} {
			t.Run(name, func(t *testing.T) {
				logged.Reset()
				h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					use(Get(r))
					if name == "a function" {
						require.ErrorContains(t, Get(r).Err(), `the value "f"`)
					}
					_, err := io.WriteString(w, "done")
					require.Error(t, err)
					require.Error(t, http.NewResponseController(w).Flush())
				}))
				w := serve(h, "")
				require.Equal(t, 500, w.Code)
				require.NotContains(t, w.Body.String(), "done")
				require.Contains(t, logged.String(), "sessions: ")
			})
		}
	})
}

// failingStore fails if err is set.
type failingStore struct {
	Store
	err error
}

func (f failingStore) Load(ctx context.Context, id string) (map[string][]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Store.Load(ctx, id)
}

func (f failingStore) Save(ctx context.Context, id string, c Change) (map[string][]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Store.Save(ctx, id, c)
}

// hangingStore returns when the context ends.
type hangingStore struct{}

func (hangingStore) Load(ctx context.Context, _ string) (map[string][]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hangingStore) Save(ctx context.Context, _ string, _ Change) (map[string][]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAStoreThatFails(t *testing.T) {
	memory := &Memory{}
	cookies, _ := visit(t, Manager{Store: memory}, "", func(s *Session) { s.Set("user", 7) })
	uses := map[string]struct {
		cookies string
		use     func(*Session)
	}{
		"a visitor who has a session": {cookies, func(s *Session) {
			require.False(t, s.Has("user"))
			require.Error(t, s.Err())
			require.Empty(t, s.Flashes())
			s.Set("user", 8)
		}},
		"a visitor who gets one": {"", func(s *Session) { s.Set("user", 8) }},
	}
	for name, store := range map[string]Store{"fails": failingStore{memory, errors.New("no connection")}, "hangs": hangingStore{}} {
		for who, c := range uses {
			t.Run(name+", "+who, func(t *testing.T) {
				m := Manager{Store: store, Timeout: 10 * time.Millisecond}
				_, w := visit(t, m, c.cookies, c.use)
				require.Equal(t, 503, w.Code)
				require.Equal(t, "5", w.Result().Header.Get("Retry-After"))
				require.Empty(t, w.Result().Header["Set-Cookie"], "the visitor keeps the session")
				m.Optional = true
				_, w = visit(t, m, c.cookies, c.use)
				require.Equal(t, 200, w.Code)
				require.Empty(t, w.Result().Header["Set-Cookie"])
				require.Equal(t, []string{"Cookie"}, w.Result().Header["Vary"])
			})
		}
	}
	visit(t, Manager{Store: memory}, cookies, func(s *Session) { require.Equal(t, 7, s.Int("user"), "nothing is overwritten") })
}

func TestAManagerWithinAnother(t *testing.T) {
	m := Manager{Box: box(t)}
	var inner, outer *Session
	h := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer = Get(r)
		m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner = Get(r)
			inner.Set("user", 7)
		})).ServeHTTP(w, r)
	}))
	require.Len(t, serve(h, "").Result().Header["Set-Cookie"], 1)
	require.Same(t, outer, inner)
	other := Manager{Box: m.Box, Cookie: datastructures.Cookie{Name: "other"}}
	h = m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Get(r).Set("user", 7)
		other.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Get(r).Set("user", 8) })).ServeHTTP(w, r)
	}))
	require.Len(t, serve(h, "").Result().Header["Set-Cookie"], 2)
}

func TestARequestWithoutAManager(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	require.PanicsWithError(t, errNoManager.Error(), func() { Get(r) })
	_, ok := FromContext(r.Context())
	require.False(t, ok)
}

func TestAPanicSavesNothing(t *testing.T) {
	m := Manager{Box: box(t)}
	w := httptest.NewRecorder()
	h := m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { Get(r).Set("user", 7); panic("x") }))
	require.Panics(t, func() { h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)) })
	require.Empty(t, w.Header()["Set-Cookie"])
}

func TestForgedCookiesAreNoSessions(t *testing.T) {
	kinds(t, func(t *testing.T, m Manager) {
		good, _ := visit(t, m, "", func(s *Session) { s.Set("user", 7) })
		value := strings.TrimPrefix(good, "session=")
		elsewhere := m
		elsewhere.Cookie.Name = "elsewhere"
		switch {
		case m.Box != nil:
			elsewhere.Box = box(t)
		case m.Store != nil:
			elsewhere.Store = &Memory{}
		default:
			elsewhere.Cookie.Name, elsewhere.Flask = "", &Flask{Secret: "another secret of Flask"}
		}
		others, _ := visit(t, elsewhere, "", func(s *Session) { s.Set("user", 7) })
		_, others, _ = strings.Cut(others, "=")
		for name, forged := range map[string]string{
			"empty": "", "short": "x", "of another key": others, "cut": value[1:], "longer": value + "A", "dots": "..",
			"line breaks": value[:8] + `\015\012` + value[8:], "quoted line breaks": `"` + value[:8] + `\015\012` + value[8:] + `"`, "long": strings.Repeat("A", 5000),
		} {
			visit(t, m, "session="+forged, func(s *Session) { require.Empty(t, s.Names(), name) })
			visit(t, m, "session="+forged+"; "+good, func(s *Session) { require.Equal(t, 7, s.Int("user"), "another cookie hides nothing: %s", name) })
		}
		visit(t, m, strings.Repeat("session=x; ", maxCookies)+good, func(s *Session) { require.Empty(t, s.Names(), "so many are not tried") })
	})
}

func FuzzCookies(f *testing.F) {
	b := box(f)
	managers := []Manager{{Box: b}, {Store: &Memory{}}, {Flask: &Flask{Secret: "the secret of both"}}}
	var good []string
	for _, m := range managers {
		cookies, _ := visit(f, m, "", func(s *Session) { s.Set("user", 7) })
		good = append(good, strings.TrimPrefix(cookies, "session="))
		f.Add(good[len(good)-1])
	}
	f.Add("")
	f.Add(strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, value string) {
		for i, m := range managers {
			c := datastructures.Cookie{Name: "session", Value: value}
			text, _ := c.Format()
			pair, _, _ := strings.Cut(text, ";")
			_, w := visit(t, m, pair, func(s *Session) { require.Equal(t, value == good[i], s.Has("user")) })
			require.Equal(t, 200, w.Code)
		}
	})
}

func TestSettingsOfAManager(t *testing.T) {
	memory := &Memory{}
	for name, c := range map[string]struct {
		m    Manager
		says string
	}{
		"no place":              {Manager{}, "set Box, Store or Flask"},
		"two places":            {Manager{Box: box(t), Store: memory}, "only one of"},
		"Flask without secret":  {Manager{Flask: &Flask{}}, "Flask.Secret is empty"},
		"an empty fallback":     {Manager{Flask: &Flask{Secret: "x", Fallbacks: []string{"y", ""}}}, "Flask.Fallbacks[1] is empty"},
		"Flask with Idle":       {Manager{Flask: &Flask{Secret: "x"}, Idle: 1}, "set Flask.Lifetime"},
		"a life too long":       {Manager{Store: memory, Idle: 401 * day}, "sessions: Manager.Idle is 9624h0m0s: the largest"},
		"an age too long":       {Manager{Store: memory, MaxAge: 401 * day}, "sessions: Manager.MaxAge"},
		"too many bytes":        {Manager{Store: memory, MaxBytes: 1 << 40}, "sessions: Manager.MaxBytes"},
		"a bad cookie name":     {Manager{Store: memory, Cookie: datastructures.Cookie{Name: "a b"}}, "sessions: Manager.Cookie: cookie \"a b\""},
		"a bad cookie of Flask": {Manager{Flask: &Flask{Secret: "x", Cookie: datastructures.Cookie{Name: "a b"}}}, "cookie \"a b\""},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, c.m.Check(), c.says)
			require.Panics(t, func() { c.m.Wrap(http.NotFoundHandler()) })
		})
	}
	for _, d := range []time.Duration{0, 1, -1, -1 << 63} {
		require.NoError(t, Manager{Store: memory, Idle: d, MaxAge: d, Timeout: d, MaxBytes: int(d)}.Check())
		require.NoError(t, Manager{Flask: &Flask{Secret: "x", Lifetime: d}}.Check())
	}
}
