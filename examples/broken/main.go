// Command broken fails on request, in every way that a handler can, for a look
// at the debugger:
//
//	go run ./cmd/zeug run ./examples/broken
package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed templates
var files embed.FS

// pages holds templates, of which one fails when it is rendered.
var pages = func() *templates.Environment {
	below, err := fs.Sub(files, "templates")
	if err != nil {
		panic(err)
	}
	pages, err := templates.New(below, templates.Options{Globals: templates.Context{"price": price}})
	if err != nil {
		panic(err)
	}
	return pages
}()

type view func(*wrappers.Request, routing.Args) (*wrappers.Response, error)

// item is something to buy, and user who buys it.
type item struct {
	Name  string
	Price int
}

type user struct {
	Name string
	Tags map[string]int
	Boss *user
}

func newApp() http.Handler {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Target: index},
		routing.Rule[view]{Path: "/checkout/<int:cart>", Endpoint: "checkout", Target: checkout},
		routing.Rule[view]{Path: "/error", Endpoint: "error", Target: fail},
		routing.Rule[view]{Path: "/made", Endpoint: "made", Target: made},
		routing.Rule[view]{Path: "/template", Endpoint: "template", Target: cart},
		routing.Rule[view]{Path: "/order", Endpoint: "order", Target: order, Methods: []string{"POST"}},
		routing.Rule[view]{Path: "/twice", Endpoint: "twice", Target: twice},
		routing.Rule[view]{Path: "/value", Endpoint: "value", Target: value},
		routing.Rule[view]{Path: "/typed", Endpoint: "typed", Target: typed},
		routing.Rule[view]{Path: "/stream", Endpoint: "stream", Target: stream},
		routing.Rule[view]{Path: "/background", Endpoint: "background", Target: background},
	)
	return wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err
		}
		return match.Target(req, match.Args)
	})
}

func index(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return wrappers.HTML(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Broken</title>
<ul>
<li><a href="checkout/7">an index out of range</a>
<li><a href="error">an error that nobody answers</a>
<li><a href="made">an error that knows where it was made</a>
<li><a href="template">a mistake in a template</a>
<li><form method="post" action="order"><label>Name <input name="name" value="Ann"></label> <button>a form</button></form>
<li><a href="twice">a panic while another is on its way</a>
<li><a href="value">a panic with a value that is no error</a>
<li><a href="typed">an error whose type has fields</a>
<li><a href="stream">an error in the middle of an answer</a>
<li><a href="background">a panic beside the request, which ends the process</a>
</ul>
`), nil
}

// checkout adds up one item too many.
func checkout(_ *wrappers.Request, args routing.Args) (*wrappers.Response, error) {
	items := []item{{"pen", 2}, {"ink", 5}, {"paper", 11}}
	buyer := &user{Name: "Ann", Tags: map[string]int{"vip": 1, "new": 2}}
	buyer.Boss = buyer
	sum := total(items, len(items))
	return wrappers.Text(fmt.Sprintf("cart %d of %s: %d\n", args.Int("cart"), buyer.Name, sum)), nil
}

func total(items []item, last int) (sum int) {
	for i := 0; i <= last; i++ {
		sum += items[i].Price
	}
	return sum
}

var errStock = errors.New("the stock is negative")

func fail(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return nil, fmt.Errorf("deliver: %w", errors.Join(errStock, fs.ErrInvalid))
}

func made(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return nil, fmt.Errorf("order 7: %w", deliver())
}

func deliver() error { return httperror.Wrap(httperror.InternalServerError, errStock) }

func cart(req *wrappers.Request, _ routing.Args) (*wrappers.Response, error) {
	return pages.Render(req, "cart.html", templates.Context{"buyer": "Ann", "items": []string{"pen", "ink"}})
}

func price(item string) (int, error) {
	if item == "pen" {
		return 2, nil
	}
	return 0, fmt.Errorf("%s has no price", item)
}

func order(req *wrappers.Request, _ routing.Args) (*wrappers.Response, error) {
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", form.Get("name"), errStock)
}

// twice panics, and so does what should have put things in order after it.
func twice(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	defer func() {
		panic(errors.New("the stock cannot be counted"))
	}()
	return wrappers.Text(fmt.Sprint(total(nil, 1))), nil
}

// delivery is what value panics with and typed fails with.
type delivery struct {
	Order    int
	Items    []item
	To       *user
	Until    time.Time
	Within   time.Duration
	Password string
	signed   []byte
}

func newDelivery() delivery {
	d := delivery{
		Order: 7, To: &user{Name: "Ann", Tags: map[string]int{"vip": 1}}, Within: 90 * time.Minute, Password: "open sesame",
		Until: time.Date(2026, 12, 24, 18, 0, 0, 0, time.UTC), signed: []byte{0xde, 0xad, 0xbe, 0xef},
	}
	d.To.Boss = d.To
	for i := range 40 {
		d.Items = append(d.Items, item{fmt.Sprintf("pen %d", i), i})
	}
	return d
}

func value(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	panic(newDelivery())
}

// lateError is an error with more to it than its text.
type lateError struct {
	Delivery delivery
	Days     int
	Err      error
}

func (e *lateError) Error() string { return fmt.Sprintf("%d days late: %v", e.Days, e.Err) }
func (e *lateError) Unwrap() error { return e.Err }

func typed(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return nil, fmt.Errorf("deliver: %w", &lateError{newDelivery(), 3, &fs.PathError{Op: "open", Path: "/srv/stock", Err: fs.ErrNotExist}})
}

// stream writes a part of its answer and then has nothing more. While the
// debugger is on, the part is taken back.
func stream(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
		if _, err := w.WriteString("pen\n"); err != nil {
			return err
		}
		return errStock
	}), nil
}

func background(*wrappers.Request, routing.Args) (*wrappers.Response, error) {
	done := make(chan struct{})
	go func() {
		stock()["pen"]++
		close(done)
	}()
	<-done
	return wrappers.Text("never"), nil
}

// stock is a map that nobody made.
func stock() map[string]int { return nil }

func main() {
	serving.Main("127.0.0.1:5000", newApp(), serving.Options{Debug: true})
}
