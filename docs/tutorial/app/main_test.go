package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestShortly(t *testing.T) {
	s := &Shortly{redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})}
	client := webtest.New(t, s.app())
	submit := func(target string) *webtest.Response {
		return client.Post("/", webtest.Form(url.Values{"url": {target}}), webtest.Follow)
	}

	require.Equal(t, 1, client.Get("/").Expect(200).HTML("form input").Length())
	again := submit("example.org").Expect(200)
	require.Equal(t, "example.org", again.HTML("input").AttrOr("value", ""))
	require.Contains(t, again.HTML(".error").Text(), "valid URL")

	const target = `https://example.org/?"><script>`
	details := submit(target).Expect(200)
	require.Equal(t, "http://example.com/1+", details.Request.URL.String())
	require.Equal(t, target, strings.TrimSpace(details.HTML(".link").Text()))
	require.Equal(t, "/1", details.HTML("h2 a").AttrOr("href", ""))
	require.Equal(t, "http://example.com/1+", submit(target).Request.URL.String())

	client.Get("/1").Expect(302)
	require.Equal(t, "1", strings.TrimSpace(client.Get("/1+").HTML("dd").Last().Text()))
	client.Get("/2").Expect(404)
	client.Get("/2+").Expect(404)
	client.Get("/static/style.css").Expect(200)
}
