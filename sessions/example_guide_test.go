package sessions_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/zeugkit/zeug/security"
	"github.com/zeugkit/zeug/sessions"
)

// browser sends requests to a handler, and keeps one cookie.
type browser struct {
	handler http.Handler
	cookie  string
}

// post and get print the answer.
func (b *browser) post(target string) { b.send("POST", target) }

func (b *browser) get(target string) { b.send("GET", target) }

func (b *browser) send(method, target string) {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Cookie", b.cookie)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	if set := w.Header().Get("Set-Cookie"); set != "" {
		b.cookie, _, _ = strings.Cut(set, ";")
	}
	fmt.Println(strings.TrimSpace(fmt.Sprintln(method, target, w.Code, w.Header().Get("Location"), strings.TrimSpace(w.Body.String()))))
}

func Example() {
	box, err := security.NewBox(security.NewKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		session := sessions.Get(r)
		session.Set("visits", session.Int("visits")+1)
		fmt.Fprintf(w, "visit %d", session.Int("visits"))
	})
	handler := sessions.Manager{Box: box}.Wrap(mux)

	b := browser{handler: handler}
	b.get("/")
	b.get("/")
	// Output:
	// GET / 200  visit 1
	// GET / 200  visit 2
}

func ExampleSession_Get() {
	type Cart struct {
		Items map[string]int
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart/{item}", func(w http.ResponseWriter, r *http.Request) {
		cart := Cart{Items: map[string]int{}}
		sessions.Get(r).Get("cart", &cart)
		cart.Items[r.PathValue("item")]++
		sessions.Get(r).Set("cart", cart)
		fmt.Fprint(w, cart.Items)
	})
	b := browser{handler: sessions.Manager{Store: &sessions.Memory{}}.Wrap(mux)}
	b.post("/cart/pear")
	b.post("/cart/pear")
	b.post("/cart/plum")
	// Output:
	// POST /cart/pear 200  map[pear:1]
	// POST /cart/pear 200  map[pear:2]
	// POST /cart/plum 200  map[pear:2 plum:1]
}

func ExampleSession_Flash() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, r *http.Request) {
		sessions.Get(r).Flash("Your changes are saved.", "success")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		for _, m := range sessions.Get(r).Flashes() {
			fmt.Fprintf(w, "[%s] %s", m.Category, m.Text)
		}
	})
	b := browser{handler: sessions.Manager{Store: &sessions.Memory{}}.Wrap(mux)}
	b.post("/save")
	b.get("/")
	b.get("/")
	// Output:
	// POST /save 303 /
	// GET / 200  [success] Your changes are saved.
	// GET / 200
}

func ExampleSession_Renew() {
	hash, err := security.HashPassword("correct horse")
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		ok, err := security.CheckPasswordContext(ctx, hash, r.FormValue("password"))
		if err != nil {
			http.Error(w, "Many people are logging in. Please try again.", http.StatusServiceUnavailable)
			return
		}
		if !ok {
			http.Error(w, "The password is wrong.", http.StatusForbidden)
			return
		}
		session := sessions.Get(r)
		session.Renew()
		session.Set("user", "ada")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		sessions.Get(r).Clear()
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "user %q", sessions.Get(r).String("user"))
	})
	b := browser{handler: sessions.Manager{Store: &sessions.Memory{}}.Wrap(mux)}
	b.post("/login?password=wrong")
	b.post("/login?password=correct+horse")
	b.get("/")
	b.post("/logout")
	b.get("/")
	// Output:
	// POST /login?password=wrong 403  The password is wrong.
	// POST /login?password=correct+horse 303 /
	// GET / 200  user "ada"
	// POST /logout 303 /
	// GET / 200  user ""
}

func ExampleManager_expiry() {
	store := &sessions.Memory{}
	// Ends when it was not used for 30 minutes, and after 12 hours in any case.
	shift := sessions.Manager{Store: store, Idle: 30 * time.Minute, MaxAge: 12 * time.Hour}
	// Ends 12 hours after the login, whether it is used or not.
	fixed := sessions.Manager{Store: store, Idle: -1, MaxAge: 12 * time.Hour}
	fmt.Println(shift.Check(), fixed.Check())
	// Output: <nil> <nil>
}
