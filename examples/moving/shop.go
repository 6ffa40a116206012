package main

import (
	"embed"
	"net/http"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/templates"
)

//go:embed templates
var embedded embed.FS

// newShop returns the shop: the routes that have moved, and legacy for all other requests. secret is the
// SECRET_KEY of the Python application, so that both read the same sessions.
func newShop(secret string, legacy http.Handler) (*zeug.App, error) {
	pages, err := templates.New(embedded, templates.Options{Dir: "templates"})
	if err != nil {
		return nil, err
	}
	return zeug.TryNew(
		zeug.Templates(pages),
		zeug.Sessions(sessions.Manager{Flask: &sessions.Flask{Secret: secret}}),
		zeug.Use(wsgi.Normalize), // Python takes /cart%2Fgear for /cart/gear, so the rules have to as well
		zeug.Get("/cart", cart),
		zeug.Post("/cart/<any(gear, spring, screw):name>", add),
		zeug.Mount("/", legacy), // other paths, and other methods of these paths
	)
}

// cart shows what is in the visitor's cart, whichever application put it there.
func cart(req *zeug.Request) (*zeug.Response, error) {
	return req.Render("cart.html", map[string]any{"cart": cartOf(req)})
}

// add puts something into the cart, as the Python application did.
func add(req *zeug.Request) (*zeug.Response, error) {
	cart := cartOf(req)
	cart[req.Params.String("name")]++
	req.Session().Set("cart", cart)
	return zeug.Redirect(req.URL("cart")), nil
}

// cartOf returns how many of each thing the visitor has.
func cartOf(req *zeug.Request) map[string]int {
	cart := map[string]int{}
	req.Session().Get("cart", &cart)
	return cart
}
