package datastructures_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/datastructures"
)

func ExampleParseQuery() {
	args := datastructures.ParseQuery("tag=go&page=2&tag=web&note=a;b")
	fmt.Println(args.List("tag"), args.Int("page", 1), args.Int("size", 20), args.Get("note"))
	_, err := args.Require("id")
	fmt.Println(err)
	// Output:
	// [go web] 2 20 a;b
	// 400 Bad Request: field "id" is missing
}

func ExampleGet() {
	args := datastructures.ParseQuery("since=2026-11-21")
	day := func(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }
	fmt.Println(datastructures.Get(args, "since", day, time.Time{}).Weekday())
	// Output: Saturday
}

func ExampleMultiDict() {
	var sizes datastructures.MultiDict[int]
	sizes.Add("shirt", 40)
	sizes.Add("shoe", 43)
	sizes.Add("shirt", 42)
	fmt.Println(sizes.Get("shirt"), sizes.List("shirt"), sizes.GetOr("hat", 56))
	// Output: 40 [40 42] 56
}

func ExampleCombine() {
	query, form := datastructures.ParseQuery("id=1"), datastructures.ParseQuery("id=2&name=x")
	both := datastructures.Combine(query, form)
	fmt.Println(both.Get("id"), both.Get("name"), both.List("id"))
	// Output: 1 x [1 2]
}

func ExampleMIMEAccept_Best() {
	accept := datastructures.ParseMIMEAccept("text/html;q=0.8, application/json")
	best, ok := accept.Best("text/html", "application/json")
	fmt.Println(best, ok)
	// Output: application/json true
}

func ExampleCookie() {
	cookie := datastructures.Cookie{Name: "basket", Value: "pears; plums", Path: "/", MaxAge: time.Hour, HTTPOnly: true}
	fmt.Println(cookie.Format())
	fmt.Println(datastructures.ParseCookies(`basket="pears\073 plums"`).Get("basket"))
	_, err := (&datastructures.Cookie{Name: "my basket"}).Format()
	fmt.Println(err)
	// Output:
	// basket="pears\073 plums"; Max-Age=3600; HttpOnly; Path=/ <nil>
	// pears; plums
	// cookie "my basket": the name is not a token of letters, digits and !#$%&'*+-.^_`|~
}

func ExamplePreconditions_Evaluate() {
	// A PUT that must not overwrite what somebody else has saved since.
	h := http.Header{"If-Match": {`"v1"`}}
	current := datastructures.State{ETag: datastructures.ETag{Value: "v2"}}
	fmt.Println(datastructures.ParsePreconditions(h).Evaluate("PUT", current))
	// Output: 412
}

func ExampleContentSecurityPolicy() {
	var policy datastructures.ContentSecurityPolicy
	policy.Set("default-src", "'self'")
	policy.Set("upgrade-insecure-requests")
	policy.Add("script-src", "'nonce-r4nd0m'")
	fmt.Println(policy)
	// Output: default-src 'self'; upgrade-insecure-requests; script-src 'nonce-r4nd0m'
}

func ExampleResponseCacheControl() {
	cache := datastructures.ParseResponseCacheControl("private, max-age=60")
	fmt.Println(cache.Private, *cache.MaxAge)
	cache.MaxAge, cache.Immutable = new(time.Hour), true
	fmt.Println(cache)
	// Output:
	// true 1m0s
	// private, immutable, max-age=3600
}

func ExampleParseOptions() {
	o := datastructures.ParseOptions(`attachment; filename="fallback.txt"; filename*=UTF-8''%e2%82%ac.txt`)
	fmt.Println(o.Value, o.Get("filename"))
	// Output: attachment €.txt
}
