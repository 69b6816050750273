#!/usr/bin/env python3
"""The rows of embedded storage as release 0.1 keeps them.

rows.py dump FILE      the rows of a database, one JSON document a line, to standard output
rows.py restore FILE   makes a database with the rows on standard input, by the schema of that release
"""
import json
import sqlite3
import sys

SCHEMA = """
CREATE TABLE rows (
    tbl TEXT NOT NULL,
    pk TEXT NOT NULL,
    rk TEXT NOT NULL,
    etag INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tbl, pk, rk)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    visible_at INTEGER NOT NULL,
    receipt INTEGER,
    dequeue_count INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_turn ON messages (queue, visible_at, id);
CREATE TABLE counter (value INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
"""


def dump(path):
    for table, partition, key, value in sqlite3.connect(path).execute("SELECT tbl, pk, rk, value FROM rows ORDER BY tbl, pk, rk"):
        row = {"table": table, "partition": partition, "key": key, "value": json.loads(value)}
        print(json.dumps(row, ensure_ascii=False, separators=(",", ":")))


def restore(path):
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(SCHEMA)
    rows = [json.loads(line) for line in sys.stdin]
    for etag, row in enumerate(rows, 1):
        value = json.dumps(row["value"], ensure_ascii=False, separators=(",", ":"))
        database.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", (row["table"], row["partition"], row["key"], etag, value))
    database.execute("INSERT INTO counter (value) VALUES (?)", (len(rows),))
    database.commit()
    database.close()


{"dump": dump, "restore": restore}[sys.argv[1]](sys.argv[2])
