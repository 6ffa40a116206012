package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestStep4(t *testing.T) {
	s, err := newShortly("redis://127.0.0.1:6379")
	require.NoError(t, err)
	client := webtest.New(t, newApp(s))
	require.Equal(t, "the form", client.Get("/").Expect(200).Text())
	require.Equal(t, "follow foo", client.Get("/foo").Expect(200).Text())
	require.Equal(t, "details of foo", client.Get("/foo+").Expect(200).Text())
	client.Get("/foo/bar").Expect(404)
	_, err = newShortly("nonsense")
	require.Error(t, err)
}
