package webtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// The actions of a user on a page: click a link, fill in a form and submit it.

// Click follows the link that matches the selector, as a browser does: the
// page's base element counts, and the request says from which page it comes.
// The test fails if the selector does not match exactly one link, or if the
// link leads to another host.
func (resp *Response) Click(selector string, options ...Option) *Response {
	resp.t.Helper()
	href, ok := resp.only(selector).Attr("href")
	if !ok {
		resp.t.Fatalf("webtest: %q finds an element without href\n%s", selector, resp)
	}
	return resp.ask(http.MethodGet, resp.reference(href), options)
}

// Submit fills in the form that matches the selector and submits it, as a browser does. The form
// sends the values that the page gave its fields, including hidden ones such as a CSRF token,
// except for values that are given here. A file is given as the option [File]. A button is pressed
// if it is given by name.
//
// The test fails if the form does not have a name, cannot be submitted, or has
// an action on another host.
func (resp *Response) Submit(selector string, values url.Values, options ...Option) *Response {
	resp.t.Helper()
	form := resp.only(selector)
	if !form.Is("form") {
		resp.t.Fatalf("webtest: %q finds no form\n%s", selector, resp)
	}
	probe := &request{header: http.Header{}}
	for _, option := range options {
		option(probe)
	}
	files := map[string]bool{}
	for _, f := range probe.fields {
		files[f.name] = true
	}
	sent, known := entries(form, values, files)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !known[name] {
			resp.t.Fatalf("webtest: the form %q has no field %q, but %q\n%s", selector, name, slices.Sorted(maps.Keys(known)), resp)
		}
	}
	target := resp.reference(form.AttrOr("action", ""))
	switch method, enctype := strings.ToLower(form.AttrOr("method", "get")), strings.ToLower(form.AttrOr("enctype", "")); {
	case method == "dialog":
		resp.t.Fatalf("webtest: the form %q is a dialog's: it is not sent", selector)
	case method == "post" && enctype == "text/plain":
		resp.t.Fatalf("webtest: the form %q is sent as text/plain, which no application can read reliably", selector)
	case method == "post":
		fill := []Option{Form(nil)}
		if enctype == "multipart/form-data" {
			fill = []Option{multipartOption}
		}
		fill = append(fill, func(r *request) { r.fields = append(r.fields, sent...) })
		return resp.ask(http.MethodPost, target, slices.Concat(fill, options))
	}
	pairs := make([]string, len(sent))
	for i, f := range sent {
		pairs[i] = url.QueryEscape(f.name) + "=" + url.QueryEscape(f.value)
	}
	target.RawQuery = strings.Join(pairs, "&")
	return resp.ask(http.MethodGet, target, options)
}

// entries returns what a form sends (WHATWG HTML, constructing the entry list),
// and the names of all its fields.
func entries(form *goquery.Selection, values url.Values, files map[string]bool) (list []field, known map[string]bool) {
	known = map[string]bool{}
	given := map[string]bool{}
	controls(form).Each(func(_ int, c *goquery.Selection) {
		name := c.AttrOr("name", "")
		if name == "" || c.Is(":disabled, fieldset[disabled] *") {
			return
		}
		known[name] = true
		if texts, set := values[name]; set {
			if !given[name] {
				given[name] = true
				for _, text := range texts {
					list = append(list, field{name: name, value: text})
				}
			}
			return
		}
		switch kind := controlKind(c); kind {
		case "submit", "button", "reset", "image":
		case "checkbox", "radio":
			if _, checked := c.Attr("checked"); checked {
				list = append(list, field{name: name, value: c.AttrOr("value", "on")})
			}
		case "file":
			if !files[name] {
				list = append(list, field{name: name, file: newContent(strings.NewReader("")), mediaType: "application/octet-stream"})
			}
		case "select":
			for _, text := range selected(c) {
				list = append(list, field{name: name, value: text})
			}
		case "textarea":
			text := strings.TrimPrefix(strings.ReplaceAll(c.Text(), "\r\n", "\n"), "\n")
			list = append(list, field{name: name, value: strings.ReplaceAll(text, "\n", "\r\n")})
		default:
			list = append(list, field{name: name, value: c.AttrOr("value", "")})
		}
	})
	return list, known
}

// controls returns the fields in the form, and fields elsewhere that name the form.
func controls(form *goquery.Selection) *goquery.Selection {
	id, root := form.AttrOr("id", ""), form.Get(0)
	for root.Parent != nil {
		root = root.Parent
	}
	return goquery.NewDocumentFromNode(root).Find("input, select, textarea, button").FilterFunction(func(_ int, c *goquery.Selection) bool {
		if owner, set := c.Attr("form"); set {
			return id != "" && owner == id
		}
		around := c.Closest("form")
		return around.Length() > 0 && around.Get(0) == form.Get(0)
	})
}

func controlKind(c *goquery.Selection) string {
	switch name := goquery.NodeName(c); name {
	case "input":
		return strings.ToLower(c.AttrOr("type", "text"))
	case "button":
		return "button"
	default:
		return name
	}
}

// selected returns the values of a select element's chosen options.
func selected(c *goquery.Selection) (values []string) {
	value := func(option *goquery.Selection) string {
		return option.AttrOr("value", strings.Join(strings.Fields(option.Text()), " "))
	}
	_, multiple := c.Attr("multiple")
	first := ""
	hasFirst := false
	c.Find("option").Each(func(_ int, option *goquery.Selection) {
		if option.Is("[disabled], optgroup[disabled] option") {
			return
		}
		if !hasFirst {
			first, hasFirst = value(option), true
		}
		if _, chosen := option.Attr("selected"); chosen {
			if !multiple {
				values = nil
			}
			values = append(values, value(option))
		}
	})
	if len(values) == 0 && !multiple && hasFirst {
		values = []string{first}
	}
	return values
}

// ask sends a request as if the page made it.
func (resp *Response) ask(method string, target *url.URL, options []Option) *Response {
	resp.t.Helper()
	r, err := resp.client.prepare(options)
	if err == nil {
		err = r.allowed(resp.Request.URL, target)
	}
	if err != nil {
		resp.t.Fatalf("webtest: %v\n%s", err, resp)
	}
	return resp.client.Do(method, target.String(), slices.Concat([]Option{FromPage(resp.Request.URL.String())}, options)...)
}

// reference resolves a reference of the page, relative to its base element if it has one.
func (resp *Response) reference(reference string) *url.URL {
	resp.t.Helper()
	from := resp.Request.URL
	if base, ok := resp.document().Find("base[href]").First().Attr("href"); ok {
		if u, err := join(from, strings.TrimSpace(base)); err == nil {
			from = u
		}
	}
	u, err := join(from, strings.TrimSpace(reference))
	if err != nil {
		resp.t.Fatalf("webtest: the reference %q: %v\n%s", reference, err, resp)
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}
