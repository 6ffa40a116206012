package urls_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/urls"
)

// Every redirect asks, and nearly always with a URI.
func TestAURIIsReturnedAsItIs(t *testing.T) {
	for _, uri := range []string{"https://example.com/a%20b?c=d#e", "/a/b?c", "?", "#", "a:b", ""} {
		require.Equal(t, uri, urls.IRIToURI(uri))
		require.Zero(t, testing.AllocsPerRun(100, func() { urls.IRIToURI(uri) }), uri)
	}
}
