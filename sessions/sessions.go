// Package sessions keeps what an application remembers about a visitor between
// requests: values by name, and messages for the next page.
//
// A [Manager] is the middleware that gives each request a [Session]:
//
//	box, err := security.NewBox(key)
//	...
//	handler := sessions.Manager{Box: box}.Wrap(app)
//
//	func login(w http.ResponseWriter, r *http.Request) {
//		session := sessions.Get(r)
//		session.Renew()
//		session.Set("user", 7)
//		session.Flash("Welcome back", "info")
//		http.Redirect(w, r, "/", http.StatusSeeOther)
//	}
//
// The Manager has three ways to keep sessions:
//
//	Box    all of it in the cookie, encrypted: nothing to run, up to about 3 KiB
//	Store  on the server, [Memory] or Redis: can be revoked, can be large
//	Flask  in the cookie of a Flask application that shares its visitors
package sessions
