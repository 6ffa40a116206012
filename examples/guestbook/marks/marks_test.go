package marks_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/examples/guestbook/marks"
	"github.com/zeugkit/zeug/internal/recording/recordingtest"
)

func TestStatementsAreMarked(t *testing.T) {
	db := marks.MustOpen(":memory:")
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.PingContext(t.Context()))
	ctx, recorder := recordingtest.New(t.Context())
	_, err := db.ExecContext(ctx, "CREATE TABLE item (id INTEGER, name TEXT)")
	require.NoError(t, err)
	_, err = db.ExecContext(ctx, "INSERT INTO item VALUES (?, ?)", 7, "hat")
	require.NoError(t, err)
	var name string
	require.NoError(t, db.QueryRowContext(ctx, "SELECT name FROM item WHERE id = ?", 7).Scan(&name))
	require.Equal(t, "hat", name)
	require.Equal(t, []string{
		"sql CREATE TABLE item (id INTEGER, name TEXT)",
		"sql INSERT INTO item VALUES (?, ?)",
		"sql SELECT name FROM item WHERE id = ?",
	}, recorder.Marks())

	tx, err := db.BeginTx(ctx, nil)
	require.NoError(t, err)
	prepared, err := tx.PrepareContext(ctx, "UPDATE item SET name = ?")
	require.NoError(t, err)
	_, err = prepared.ExecContext(ctx, "coat")
	require.NoError(t, err)
	require.NoError(t, prepared.Close())
	require.NoError(t, tx.Rollback())
	require.Equal(t, []string{"sql BEGIN", "sql PREPARE UPDATE item SET name = ?"}, recorder.Marks())
	require.ErrorIs(t, db.QueryRowContext(ctx, "SELECT name FROM item WHERE name = 'coat'").Scan(&name), sql.ErrNoRows)
}
