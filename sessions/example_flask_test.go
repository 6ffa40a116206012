package sessions_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/zeugkit/zeug/sessions"
)

// A visitor who has logged in at the Flask application is known here.
func ExampleFlask() {
	store := sessions.Flask{Secret: "the application's SECRET_KEY"}

	cookie, err := store.Save(map[string]any{"user_id": 7, "flashes": sessions.Tuple{"info", "welcome"}})
	fmt.Println(cookie.Name, err)

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", cookie.Name+"="+cookie.Value)
	session, ok := store.Load(r)
	fmt.Println(session["user_id"], ok)
	// Output:
	// session <nil>
	// 7 true
}
