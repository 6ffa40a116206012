package zeug_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

func mustSub(t *testing.T, files fs.FS, dir string) fs.FS {
	t.Helper()
	sub, err := fs.Sub(files, dir)
	require.NoError(t, err)
	return sub
}

func exportOf(prefix, dir string) staticfiles.Export {
	return staticfiles.Export{Prefix: prefix, Dir: dir}
}
