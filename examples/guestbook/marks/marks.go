// Package marks shows the statements of a request on its time line under "zeug run". It wraps the
// driver of SQLite, so no query of the program changes. Any other driver of database/sql can be
// wrapped in the same way.
package marks

import (
	"context"
	"database/sql"
	"database/sql/driver"

	_ "modernc.org/sqlite"

	"github.com/zeugkit/zeug/timeline"
)

// MustOpen opens a database of SQLite, with marks. It panics if source is not valid.
func MustOpen(source string) *sql.DB {
	plain, err := sql.Open("sqlite", source) // which connects to nothing yet
	if err != nil {
		panic(err)
	}
	return sql.OpenDB(connector{marked{plain.Driver()}, source})
}

// connector opens connections to a source.
type connector struct {
	driver driver.Driver
	source string
}

// Connect is driver.Connector's.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.source) }

// Driver is driver.Connector's.
func (c connector) Driver() driver.Driver { return c.driver }

// marked is a driver whose connections mark their statements.
type marked struct{ driver.Driver }

// Open is driver.Driver's.
func (m marked) Open(name string) (driver.Conn, error) {
	c, err := m.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	return conn{c}, nil
}

// conn marks statements that are run without being prepared. It leaves everything that the driver's
// connection cannot do to database/sql.
type conn struct{ driver.Conn }

// QueryContext is driver.QueryerContext's. The mark ends when the first rows are there.
func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	defer timeline.Start(ctx, "sql", query).End()
	return q.QueryContext(ctx, query, args)
}

// ExecContext is driver.ExecerContext's.
func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	defer timeline.Start(ctx, "sql", query).End()
	return e.ExecContext(ctx, query, args)
}

// PrepareContext is driver.ConnPrepareContext's. Prepared statements are marked when they are prepared.
func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	defer timeline.Start(ctx, "sql", "PREPARE "+query).End()
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	return c.Conn.Prepare(query)
}

// BeginTx is driver.ConnBeginTx's.
func (c conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	defer timeline.Start(ctx, "sql", "BEGIN").End()
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	//lint:ignore SA1019 it is for drivers that have nothing newer
	return c.Conn.Begin()
}

// Ping is driver.Pinger's.
func (c conn) Ping(ctx context.Context) error {
	if p, ok := c.Conn.(driver.Pinger); ok {
		return p.Ping(ctx)
	}
	return nil
}

// ResetSession is driver.SessionResetter's.
func (c conn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid is driver.Validator's.
func (c conn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !ok || v.IsValid()
}

// CheckNamedValue is driver.NamedValueChecker's.
func (c conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}
