package vet_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
)

// programs are loaded once for all tests.
var programs = sync.OnceValues(func() (*vet.Loaded, error) {
	return vet.Load(vet.Config{}, "./testdata/site", "./testdata/parts", "../../../routing/gorillamux/testdata/vetted")
})

func TestProgramsWithoutMistakes(t *testing.T) {
	l, err := programs()
	require.NoError(t, err)
	result := vet.Check(l)
	require.Empty(t, messages(l, result))
	require.Empty(t, result.Skipped)
}

// messages returns the findings as the command prints them.
func messages(l *vet.Loaded, result *vet.Result) (list []string) {
	for _, f := range result.Findings {
		at := l.Fset.Position(f.Pos)
		list = append(list, filepath.Base(at.Filename)+": "+f.Message)
	}
	return list
}

func TestMistakes(t *testing.T) {
	l, err := programs()
	require.NoError(t, err)
	for kind, list := range mistakes {
		t.Run(kind, func(t *testing.T) {
			for _, m := range list {
				path, err := filepath.Abs(filepath.Join("testdata", m.file))
				require.NoError(t, err)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.GreaterOrEqual(t, strings.Count(string(text), m.old), 1, "%q in %s", m.old, m.file)
				changed := l.With(map[string][]byte{path: []byte(strings.Replace(string(text), m.old, m.changed, 1))})
				require.Equal(t, m.want, messages(changed, vet.Check(changed)), "%s → %s", m.old, m.changed)
			}
		})
	}
}
