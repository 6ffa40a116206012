package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestTheIndexLeadsToFailures(t *testing.T) {
	client := webtest.New(t, newApp())
	require.Contains(t, client.Get("/").Text(), "checkout/7")
	require.Panics(t, func() { client.Get("/checkout/7") })
	require.Equal(t, http.StatusInternalServerError, client.Get("/error").Status)
}

func TestEachFailureIsOnTheIndex(t *testing.T) {
	client := webtest.New(t, newApp())
	index := client.Get("/").Text()
	for path, status := range map[string]int{"link": 500, "made": 500, "template": 500, "typed": 500} {
		require.Contains(t, index, `href="`+path+`"`)
		require.Equal(t, status, client.Get("/"+path).Status)
	}
}
