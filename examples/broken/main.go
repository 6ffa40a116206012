// Command broken fails on request, in every way that a handler can, for a look
// at the debugger:
//
//	go run ./cmd/zeug run ./examples/broken
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/wrappers"
)

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
