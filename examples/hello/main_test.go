package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestHello(t *testing.T) {
	client := webtest.New(t, newApp())
	require.Equal(t, "/hello/World", client.Get("/").Expect(303).Header.Get("Location"))
	require.Equal(t, "Hello, Ada!\n", client.Get("/hello/Ada").Expect(200).Text())
	require.Equal(t, "Grüß Gott, Jörg Ü!\n", client.Get("/hello/J%C3%B6rg%20Ü?greeting=Gr%C3%BC%C3%9F+Gott").Expect(200).Text())
	require.Equal(t, "text/plain; charset=utf-8", client.Get("/hello/<b>").Expect(200).Header.Get("Content-Type"))
	for _, nothing := range []string{"/hello", "/hello/", "/hello/a/b", "/other"} {
		client.Get(nothing).Expect(404)
	}
}

func TestTheReadmeShowsThisProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.Len(t, blocks, 1)
	require.Contains(t, string(program), blocks[0][1])
}
