package sessions_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/security"
	"github.com/zeugkit/zeug/sessions"
)

type visit struct {
	User int      `json:"user"`
	Cart []string `json:"cart,omitempty"`
}

func box(t testing.TB) *security.Box {
	b, err := security.NewBox(security.NewKey())
	require.NoError(t, err)
	return b
}

// sent is a request with cookies.
func sent(cookies ...datastructures.Cookie) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	r.Header.Set("Cookie", strings.Join(pairs, "; "))
	return r
}

func TestSessionsComeBack(t *testing.T) {
	store := sessions.Store[visit]{Box: box(t)}
	want := visit{User: 7, Cart: []string{"pears; plums", "ü"}}
	c, err := store.Save(want)
	require.NoError(t, err)
	require.Regexp(t, `^session=[\w-]+; Max-Age=1209600; HttpOnly; SameSite=Lax$`, c.String())
	require.NotContains(t, c.Value, "pears")
	got, ok := store.Load(sent(c))
	require.True(t, ok)
	require.Equal(t, want, got)
	got, ok = store.Load(sent(datastructures.Cookie{Name: "session", Value: "forged"}, c))
	require.True(t, ok, "a cookie that somebody else has set hides nothing")
	require.Equal(t, want, got)
	forget := store.Forget()
	require.Equal(t, "session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Lax", forget.String())
}

func TestStrangersHaveNone(t *testing.T) {
	store := sessions.Store[visit]{Box: box(t)}
	other := sessions.Store[visit]{Box: store.Box, Cookie: datastructures.Cookie{Name: "other"}}
	elsewhere := sessions.Store[visit]{Box: box(t)}
	list := sessions.Store[[]string]{Box: store.Box}
	save := func(c datastructures.Cookie, err error) datastructures.Cookie {
		require.NoError(t, err)
		c.Name = "session"
		return c
	}
	for name, c := range map[string]datastructures.Cookie{
		"nothing":          {Name: "x"},
		"an empty one":     {Name: "session"},
		"a forged one":     {Name: "session", Value: strings.Repeat("A", 80)},
		"another key":      save(elsewhere.Save(visit{})),
		"another name":     save(other.Save(visit{})),
		"another type":     save(list.Save([]string{"a"})),
		"a text in quotes": {Name: "session", Value: `"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := store.Load(sent(c))
			require.False(t, ok)
			require.Zero(t, got)
		})
	}
}

func TestWhatCannotBeKept(t *testing.T) {
	store := sessions.Store[visit]{Box: box(t)}
	_, err := store.Save(visit{Cart: []string{strings.Repeat("x", 4000)}})
	require.ErrorContains(t, err, "browsers keep 4096")
	funcs := sessions.Store[func()]{Box: store.Box}
	_, err = funcs.Save(func() {})
	require.ErrorContains(t, err, "session as JSON")
	none := sessions.Store[visit]{}
	_, err = none.Save(visit{})
	require.ErrorContains(t, err, "no Box")
	_, ok := none.Load(sent(datastructures.Cookie{Name: "session", Value: "x"}))
	require.False(t, ok)
}

func Example() {
	box, _ := security.NewBox(security.NewKey())
	store := sessions.Store[visit]{Box: box, Cookie: datastructures.Cookie{Name: "__Host-visit", Path: "/", Secure: true}}

	cookie, err := store.Save(visit{User: 7})
	fmt.Println(cookie.Name, err)
	// The cookie goes out by Response.SetCookie, and comes back with each request.
	visitor, ok := store.Load(sent(cookie))
	fmt.Println(visitor.User, ok)
	// Output:
	// __Host-visit <nil>
	// 7 true
}
