package capture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFoldCycles(t *testing.T) {
	for stack, want := range map[string]string{
		"":                            "",
		"main":                        "main",
		"f f f main":                  "f+2 main",
		"f f main":                    "f+1 main",
		"f g f g main":                "f g f g main",
		"f g f g f g main":            "f+2/2 g main",
		"x f g f g f g f main":        "x f+2/2 g f main",
		"f f g f f g f f g main":      "f+1 g f+1 g f+1 g main",
		"a b c a b c a b c a b c end": "a+3/3 b c end",
		"f f g g f f":                 "f+1 g+1 f+1",
		"f f! f f main":               "f f!+2 main",
		"f g f g f! g f g f g main":   "f g f g f!+2/2 g main",
		strings.Repeat("a b c d e f g h i j k l m n o p q ", 9): strings.Repeat("a b c d e f g h i j k l m n o p q ", 9),
	} {
		t.Run(stack[:min(60, len(stack))], func(t *testing.T) {
			var list []Frame
			for name := range strings.FieldsSeq(stack) {
				function, panicked := strings.CutSuffix(name, "!")
				list = append(list, Frame{Function: function, Panicked: panicked})
			}
			var got strings.Builder
			for _, f := range foldCycles(list) {
				got.WriteString(f.Function)
				if f.Panicked {
					got.WriteString("!")
				}
				if f.Repeated > 0 {
					fmt.Fprintf(&got, "+%d", f.Repeated)
				}
				if f.Cycle > 0 {
					fmt.Fprintf(&got, "/%d", f.Cycle)
				}
				got.WriteString(" ")
			}
			require.Equal(t, strings.TrimSpace(want), strings.TrimSpace(got.String()))
		})
	}
}
