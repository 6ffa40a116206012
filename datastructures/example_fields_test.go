package datastructures_test

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/zeugkit/zeug/datastructures"
)

func ExampleRequire() {
	form := datastructures.ParseQuery("port=eighty&size=12")
	small := func(s string) (int8, error) {
		n, err := strconv.ParseInt(s, 10, 8)
		return int8(n), err
	}
	size, err := datastructures.Require(form, "size", small)
	fmt.Println(size, err)
	_, err = datastructures.Require(form, "port", small)
	fmt.Println(err)
	// Output:
	// 12 <nil>
	// 400 Bad Request: field "port": strconv.ParseInt: parsing "eighty": invalid syntax
}

func ExampleParseAuthorization() {
	basic, ok := datastructures.ParseAuthorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
	fmt.Println(basic.Username, basic.Password, ok)
	bearer, ok := datastructures.ParseAuthorization("Bearer abc123")
	fmt.Println(bearer.Scheme, bearer.Token, ok)
	_, ok = datastructures.ParseAuthorization("Basic no base64")
	fmt.Println(ok)
	// Output:
	// Aladdin open sesame true
	// bearer abc123 true
	// false
}

func ExampleNewChallenge() {
	fmt.Println(datastructures.NewChallenge("Basic", "realm", "the vault"))
	// Output: Basic realm="the vault"
}

func ExampleParseRange() {
	ranges, ok := datastructures.ParseRange("bytes=0-99,-50")
	fmt.Println(ok)
	for _, span := range ranges.Spans(1000) {
		fmt.Println(span.Stop-span.Start, "bytes:", datastructures.ContentRange{Unit: "bytes", Span: span, Length: 1000})
	}
	_, ok = datastructures.ParseRange("bytes=99-0")
	fmt.Println(ok)
	// Output:
	// true
	// 100 bytes: bytes 0-99/1000
	// 50 bytes: bytes 950-999/1000
	// false
}

func ExampleParseETags() {
	tags := datastructures.ParseETags(`"v1", W/"v2"`)
	fmt.Println(tags.StrongMatch(datastructures.ETag{Value: "v1"}), tags.StrongMatch(datastructures.ETag{Value: "v2"}))
	fmt.Println(tags.WeakMatch(datastructures.ETag{Value: "v2"}))
	// Output:
	// true false
	// true
}

func ExampleHeaderSet() {
	vary := datastructures.ParseHeaderSet("Accept, origin")
	vary.Add("Origin", "Accept-Encoding")
	fmt.Println(vary, vary.Has("ACCEPT"), len(vary))
	// Output: Accept, origin, Accept-Encoding true 3
}

func ExampleLanguageAccept_Best() {
	accept := datastructures.ParseLanguageAccept("de-AT, en;q=0.7")
	fmt.Println(accept.Best("fr", "de"))
	fmt.Println(accept.Best("fr", "de", "en")) // the same tag comes before a shorter one
	fmt.Println(accept.Best("fr"))
	// Output:
	// de true
	// en true
	//  false
}

func ExampleEncodingAccept() {
	accept := datastructures.ParseEncodingAccept("gzip, br;q=0, *;q=0.1")
	fmt.Println(accept.Quality("gzip"), accept.Quality("br"), accept.Quality("zstd"))
	// Output: 1 0 0.1
}

func ExampleParseDate() {
	for _, text := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "yesterday"} {
		date, ok := datastructures.ParseDate(text)
		fmt.Println(date.Unix(), ok)
	}
	// Output:
	// 784111777 true
	// 784111777 true
	// 784111777 true
	// -62135596800 false
}

func ExampleParseSetCookie() {
	cookie, ok := datastructures.ParseSetCookie("id=7; Path=/; Max-Age=60; Secure; SameSite=lax")
	fmt.Println(ok, cookie.Name, cookie.Value, cookie.MaxAge, cookie.Secure, cookie.SameSite == http.SameSiteLaxMode)
	// Output: true id 7 1m0s true true
}
