// Broken fails in every way that a view can fail, so that you can look at the debugger:
//
//	go run ./cmd/zeug run ./examples/broken
package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/serving"
	_ "github.com/zeugkit/zeug/serving/dev"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed templates
var files embed.FS

// item is something to buy, and user is a buyer.
type item struct {
	Name  string
	Price int
}

type user struct {
	Name string
	Tags map[string]int
	Boss *user
}

func newApp() *zeug.App {
	return zeug.New(
		zeug.Templates(templates.MustNew(files, templates.Options{Dir: "templates", Globals: templates.Context{"price": price}})),
		zeug.Get("/", index),
		zeug.Get("/checkout/<int:cart>", checkout),
		zeug.Get("/error", fail),
		zeug.Get("/made", made),
		zeug.Get("/template", cart),
		zeug.Get("/link", link),
		zeug.Post("/order", order),
		zeug.Get("/twice", twice),
		zeug.Get("/value", value),
		zeug.Get("/typed", typed),
		zeug.Get("/stream", stream),
		zeug.Get("/background", background),
	)
}

func index(*zeug.Request) (*zeug.Response, error) {
	return zeug.HTML(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Broken</title>
<ul>
<li><a href="checkout/7">an index out of range</a>
<li><a href="error">an unexpected error</a>
<li><a href="made">an error that knows where it was made</a>
<li><a href="template">a mistake in a template</a>
<li><a href="link">a link to an endpoint that does not exist</a>
<li><form method="post" action="order"><label>Name <input name="name" value="Ann"></label> <button>a form</button></form>
<li><a href="twice">a panic while another is on its way</a>
<li><a href="value">a panic with a value that is not an error</a>
<li><a href="typed">an error whose type has fields</a>
<li><a href="stream">an error in the middle of a response</a>
<li><a href="background">a panic beside the request, which ends the process</a>
</ul>
`), nil
}

// checkout adds up one item too many.
func checkout(req *zeug.Request) (*zeug.Response, error) {
	items := []item{{"pen", 2}, {"ink", 5}, {"paper", 11}}
	buyer := &user{Name: "Ann", Tags: map[string]int{"vip": 1, "new": 2}}
	buyer.Boss = buyer
	slog.InfoContext(req.Context(), "adding up", "cart", req.Params.Int("cart"), "items", len(items))
	sum := total(items, len(items))
	return zeug.Text(fmt.Sprintf("cart %d of %s: %d, from a shelf of %d\n", req.Params.Int("cart"), buyer.Name, sum, len(shelf))), nil
}

// shelf has more compartments than the debugger lists at once.
var shelf = make([]item, 50)

func total(items []item, last int) (sum int) {
	for i := 0; i <= last; i++ {
		sum += items[i].Price
	}
	return sum
}

var errStock = errors.New("the stock is negative")

func fail(*zeug.Request) (*zeug.Response, error) {
	return nil, fmt.Errorf("deliver: %w", errors.Join(errStock, fs.ErrInvalid))
}

func made(*zeug.Request) (*zeug.Response, error) {
	return nil, fmt.Errorf("order 7: %w", deliver())
}

func deliver() error { return httperror.Wrap(httperror.InternalServerError, errStock) }

func cart(req *zeug.Request) (*zeug.Response, error) {
	return req.Render("cart.html", map[string]any{"buyer": "Ann", "items": []string{"pen", "ink"}})
}

func price(item string) (int, error) {
	if item == "pen" {
		return 2, nil
	}
	return 0, fmt.Errorf("%s has no price", item)
}

func link(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("check_out", "cart", 7)), nil //zeug:ignore the mistake is meant
}

func order(req *zeug.Request) (*zeug.Response, error) {
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%s: %w", form.Get("name"), errStock)
}

// twice panics, and its deferred function panics too.
func twice(*zeug.Request) (*zeug.Response, error) {
	defer func() {
		panic(errors.New("the stock cannot be counted"))
	}()
	return zeug.Text(fmt.Sprint(total(nil, 1))), nil
}

// delivery is the value that value panics with, and part of the error of typed.
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

func value(*zeug.Request) (*zeug.Response, error) {
	panic(newDelivery())
}

// lateError is an error with fields.
type lateError struct {
	Delivery delivery
	Days     int
	Err      error
}

func (e *lateError) Error() string { return fmt.Sprintf("%d days late: %v", e.Days, e.Err) }
func (e *lateError) Unwrap() error { return e.Err }

func typed(*zeug.Request) (*zeug.Response, error) {
	return nil, fmt.Errorf("deliver: %w", &lateError{newDelivery(), 3, &fs.PathError{Op: "open", Path: "/srv/stock", Err: fs.ErrNotExist}})
}

// stream fails after it has written part of its response. The debugger discards that part.
func stream(*zeug.Request) (*zeug.Response, error) {
	return zeug.Stream("text/plain", func(w *wrappers.StreamWriter) error {
		if _, err := w.WriteString("pen\n"); err != nil {
			return err
		}
		return errStock
	}), nil
}

func background(*zeug.Request) (*zeug.Response, error) {
	done := make(chan struct{})
	go func() {
		stock()["pen"]++
		close(done)
	}()
	<-done
	return zeug.Text("never"), nil
}

// stock returns a nil map.
func stock() map[string]int { return nil }

func main() {
	serving.MainWith("127.0.0.1:5000", newApp(), serving.Options{Debug: true})
}
