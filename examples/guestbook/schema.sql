-- Runs at each start, and returns the key of the sessions. The parameter is a new key, which is kept if the
-- database has none.
CREATE TABLE IF NOT EXISTS account (
	name TEXT PRIMARY KEY COLLATE NOCASE,
	hash TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS entry (
	id      INTEGER PRIMARY KEY,
	author  TEXT NOT NULL,
	text    TEXT NOT NULL,
	day     TEXT NOT NULL DEFAULT CURRENT_DATE,
	picture TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS secret (
	id  INTEGER PRIMARY KEY CHECK (id = 1),
	key BLOB NOT NULL
) STRICT;

INSERT INTO secret VALUES (1, ?) ON CONFLICT DO UPDATE SET id = id RETURNING key;
