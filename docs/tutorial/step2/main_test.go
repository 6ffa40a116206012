package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestStep2(t *testing.T) {
	client := webtest.New(t, newApp())
	require.Equal(t, "Hello World!", client.Get("/").Expect(200).Text())
	client.Get("/static/style.css").Expect(200)
}
