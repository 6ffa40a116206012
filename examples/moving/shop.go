package main

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed templates
var embedded embed.FS

type view func(*wrappers.Request, routing.Args) (*wrappers.Response, error)

// shop is the routes that have moved, and the application that has the others.
type shop struct {
	urls     *routing.Map[view]
	pages    *templates.Environment
	sessions sessions.Flask
}

// newShop returns the shop: legacy is asked for what no rule matches. The secret
// is the one of its sessions.
func newShop(secret string, legacy http.Handler) (http.Handler, error) {
	s := &shop{sessions: sessions.Flask{Secret: secret}}
	var err error
	s.urls, err = routing.NewMap(
		routing.Rule[view]{Path: "/cart", Endpoint: "cart", Target: s.cart, Methods: []string{"GET"}},
		routing.Rule[view]{Path: "/cart/<any(gear, spring, screw):name>", Endpoint: "add", Target: s.add, Methods: []string{"POST"}},
	)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	if s.pages, err = templates.New(files, templates.Options{}); err != nil {
		return nil, err
	}
	moved := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := s.urls.Bind(req.Request).Match()
		if errors.Is(err, httperror.NotFound) || errors.Is(err, httperror.MethodNotAllowed) {
			return wrappers.Handler(legacy), nil // Python has it, or says that nobody does
		}
		if err != nil {
			return nil, err
		}
		return match.Target(req, match.Args)
	})
	return moved, nil
}

// cart shows what is in the visitor's cart, whoever put it there.
func (s *shop) cart(req *wrappers.Request, _ routing.Args) (*wrappers.Response, error) {
	session, _ := s.sessions.Load(req.Request)
	return s.pages.Render(req, "cart.html", templates.Context{"cart": session["cart"]})
}

// add puts something into the cart, as the Python application did.
func (s *shop) add(req *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	session, ok := s.sessions.Load(req.Request)
	if !ok {
		session = map[string]any{}
	}
	cart, ok := session["cart"].(map[string]any)
	if !ok {
		cart = map[string]any{}
	}
	count, _ := cart[args.String("name")].(int64)
	cart[args.String("name")] = count + 1
	session["cart"] = cart
	cookie, err := s.sessions.Save(session)
	if err != nil {
		return nil, err
	}
	url, err := s.urls.Bind(req.Request).Build("cart")
	if err != nil {
		return nil, err
	}
	resp := wrappers.Redirect(url, http.StatusSeeOther)
	return resp, resp.SetCookie(cookie)
}
