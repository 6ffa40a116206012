package fieldvalues_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/fieldvalues"
)

func TestSlicesBelongToTheCallerAlone(t *testing.T) {
	var own fieldvalues.Values
	var all [][]string
	for i := range 20 {
		all = append(all, own.One(fmt.Sprint(i)))
	}
	for i, s := range all {
		require.Equal(t, []string{fmt.Sprint(i)}, s)
		_ = append(s, "appended")
		s[0] = "changed"
	}
	for _, s := range all {
		require.Equal(t, []string{"changed"}, s)
	}
	shared := []string{"a", "b"}
	own.Copy(shared)[0] = "changed"
	require.Equal(t, []string{"a", "b"}, shared)
	require.Nil(t, own.Copy(nil))
}

func TestAllFieldsOfAFileAreOneAllocation(t *testing.T) {
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		var own fieldvalues.Values
		for range 8 {
			own.One("x")
		}
	}), 1.0)
}
