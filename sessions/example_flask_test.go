package sessions_test

import (
	"fmt"

	"github.com/zeugkit/zeug/sessions"
)

// The cookie of a visitor who logged in at the Flask application.
func ExampleFlask_Open() {
	flask := sessions.Flask{Secret: "the application's SECRET_KEY"}

	cookie, err := flask.Save(map[string]any{"user_id": 7, "name": "Ada"})
	fmt.Println(cookie.Name, err)

	session, err := flask.Open(cookie.Value)
	fmt.Println(session["user_id"], err)
	// Output:
	// session <nil>
	// 7 <nil>
}
