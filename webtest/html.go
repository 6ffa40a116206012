package webtest

import (
	"bytes"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
)

// HTML returns the elements of the body that match the CSS selector; if there are none, the
// selection is empty. If the response is not HTML, or the selector is not valid, the test fails.
func (resp *Response) HTML(selector string) *goquery.Selection {
	resp.t.Helper()
	matcher, err := cascadia.Compile(selector)
	if err != nil {
		resp.t.Fatalf("webtest: the selector %q: %v", selector, err)
	}
	return resp.document().FindMatcher(matcher)
}

func (resp *Response) document() *goquery.Document {
	resp.t.Helper()
	if m := resp.mediaType(); m != "text/html" && m != "application/xhtml+xml" {
		resp.t.Fatalf("webtest: the answer is %q, not HTML\n%s", m, resp)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(resp.bytes()))
	if err != nil {
		resp.t.Fatalf("webtest: the answer as HTML: %v\n%s", err, resp)
	}
	return doc
}

// only returns the one element that the selector matches.
func (resp *Response) only(selector string) *goquery.Selection {
	resp.t.Helper()
	found := resp.HTML(selector)
	if found.Length() != 1 {
		resp.t.Fatalf("webtest: %q finds %d elements, want one\n%s", selector, found.Length(), resp)
	}
	return found
}
