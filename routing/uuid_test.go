package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// TestUUIDsAreBuiltInTheFormThatMatches refuses the other texts that package uuid reads: their URLs would not match.
func TestUUIDsAreBuiltInTheFormThatMatches(t *testing.T) {
	m := routing.MustMap(routing.Rule[int]{Path: "/<uuid:id>", Endpoint: "item"})
	adapter, err := m.BindBase(routing.Base{})
	require.NoError(t, err)
	const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	url, err := adapter.Build("item", routing.With("id", id))
	require.NoError(t, err)
	require.Equal(t, "/"+id, url)
	for _, text := range []string{"urn:uuid:" + id, "{" + id + "}", "6ba7b8109dad11d180b400c04fd430c8", ""} {
		_, err := adapter.Build("item", routing.With("id", text))
		require.ErrorContains(t, err, "is not a UUID", text)
	}
}
