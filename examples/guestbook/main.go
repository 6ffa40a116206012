// Guestbook is a site where visitors log in and leave messages with pictures. Logging in with a new
// name makes an account.
//
//	cd examples/guestbook && go run .
//
// Messages, accounts and the key of the sessions are in guestbook.db, an SQLite file. The pictures are in the
// folder pictures.
package main

import (
	"embed"
	"errors"
	"os"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/examples/guestbook/marks"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/security"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
)

//go:embed schema.sql static templates
var files embed.FS

// pictureName matches the names of files that visitors may upload, and that are served.
var pictureName = regexp.MustCompile(`(?i)\.(gif|jpe?g|png|webp)$`)

type guestbook struct{ *sqlx.DB }

type account struct{ Name, Password string }

type message struct {
	Text    string
	Picture *zeug.UploadedFile
}

type entry struct{ ID, Author, Text, Day, Picture string }

func main() { serving.Main("127.0.0.1:5000", newApp()) }

func newApp() *zeug.App {
	g := guestbook{sqlx.NewDb(marks.MustOpen("guestbook.db?_pragma=busy_timeout(5000)"), "sqlite")}
	schema, err := files.ReadFile("schema.sql")
	var key []byte
	err = errors.Join(err, g.Get(&key, string(schema), security.NewKey()), os.MkdirAll("pictures", 0o755))
	box, boxErr := security.NewBox(key)
	if err = errors.Join(err, boxErr); err != nil {
		panic(err)
	}
	return zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{Dir: "templates"})),
		zeug.Static("/static", files, "static"),
		zeug.StaticExport(staticfiles.Export{Prefix: "/pictures", Dir: "pictures", Allowed: pictureName.MatchString, NotFound: true}),
		zeug.Sessions(sessions.Manager{Box: box}),
		zeug.Use(middleware.Timeout{}.Wrap, middleware.SecureHeaders{ContentSecurityPolicy: "default-src 'self'"}.Wrap),
		zeug.ErrorPage(0, "error.html"),
		zeug.Get("/", g.index), zeug.Post("/", g.write),
		zeug.Post("/login", g.login), zeug.Post("/logout", logout),
	)
}

// index shows the newest entries, or with ?before=7 those before entry 7.
func (g guestbook) index(req *zeug.Request) (*zeug.Response, error) {
	var entries []entry
	if err := g.SelectContext(req.Context(), &entries, "SELECT * FROM entry WHERE id < ? ORDER BY id DESC LIMIT 20",
		req.Query().Int("before", 1<<60)); err != nil {
		return nil, err
	}
	return req.Render("index.html", map[string]any{"entries": entries})
}

func (g guestbook) write(req *zeug.Request) (*zeug.Response, error) {
	m, err := zeug.Bind[message](req)
	if err != nil {
		return nil, err
	}
	e := entry{Author: req.Session().String("user"), Text: strings.TrimSpace(m.Text)}
	if e.Author == "" || e.Text == "" {
		return back(req, "Please log in and write something.", "error")
	}
	if m.Picture != nil {
		if !pictureName.MatchString(m.Picture.SafeName()) {
			return back(req, "Please choose a picture: GIF, JPEG, PNG or WebP.", "error")
		}
		if e.Picture, err = m.Picture.SaveIn("pictures"); err != nil {
			return nil, err
		}
	}
	if _, err = g.NamedExecContext(req.Context(), "INSERT INTO entry (author, text, picture) VALUES (:author, :text, :picture)", e); err != nil {
		return nil, err
	}
	return back(req, "Thank you for your message.", "success")
}

func (g guestbook) login(req *zeug.Request) (*zeug.Response, error) {
	a, err := zeug.Bind[account](req)
	if err != nil {
		return nil, err
	}
	if a.Name = strings.TrimSpace(a.Name); a.Name == "" || len(a.Name) > 80 || len(a.Password) < 8 {
		return back(req, "Please enter a name, and a password of 8 characters or more.", "error")
	}
	var hash string
	err = g.GetContext(req.Context(), &hash, "SELECT coalesce(max(hash), '') FROM account WHERE name = ?", a.Name)
	if err == nil && hash == "" { // a new visitor
		if hash, err = security.HashPassword(a.Password); err == nil {
			_, err = g.ExecContext(req.Context(), "INSERT INTO account VALUES (?, ?)", a.Name, hash)
		}
	}
	if err != nil {
		return nil, err
	}
	// At most half of the processors check passwords at once. An error means that Timeout has answered already.
	if ok, err := security.CheckPasswordContext(req.Context(), hash, a.Password); err != nil || !ok {
		return back(req, "This is not the password of "+a.Name+".", "error")
	}
	req.Session().Renew()
	req.Session().Set("user", a.Name)
	return back(req, "Welcome, "+a.Name+"!", "success")
}

func logout(req *zeug.Request) (*zeug.Response, error) {
	req.Session().Clear()
	return back(req, "You are logged out.", "info")
}

// back shows a message on the first page.
func back(req *zeug.Request, text, category string) (*zeug.Response, error) {
	req.Flash(text, category)
	return zeug.Redirect(req.URL("index")), nil
}
