"""SQLite: statements, parameters, transactions, callbacks, rows, blobs, errors."""

import contextlib
import datetime
import sqlite3
import sys
import threading


def raises(kind, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"{kind} was not raised")


def connect(**kwargs):
    return contextlib.closing(sqlite3.connect(":memory:", **kwargs))


# Values go in and come out.
with connect() as db:
    db.execute("create table t (i integer primary key, v)")
    values = [None, 1, -2**63, 2.5, "text \u20ac", b"bytes\0", bytearray(b"x"), True]
    db.executemany("insert into t (v) values (?)", [(v,) for v in values])
    got = [v for (v,) in db.execute("select v from t order by i")]
    assert got == [None, 1, -2**63, 2.5, "text \u20ac", b"bytes\0", b"x", 1] and type(got[6]) is bytes
    assert db.execute("select :a + :b", {"a": 1, "b": 2}).fetchone() == (3,)
    assert db.execute("select ?2, ?1", ("x", "y")).fetchone() == ("y", "x")
    cursor = db.execute("select i, v as name from t where i < 3")
    assert [c[0] for c in cursor.description] == ["i", "name"] and cursor.description[0][1:] == (None,) * 6
    assert cursor.fetchmany(1) == [(1, None)] and cursor.fetchall() == [(2, 1)] and cursor.fetchone() is None
    assert db.execute("update t set v = 0 where i > 4").rowcount == 4
    assert db.execute("insert into t (v) values (9)").lastrowid == 9
    raises(OverflowError, db.execute, "select ?", (2**63,))
    raises(sqlite3.ProgrammingError, db.execute, "select ?", (1, 2))
    raises(sqlite3.ProgrammingError, db.execute, "select ?", (object(),))
    raises(sqlite3.ProgrammingError, db.execute, "select :a", {"b": 1})
    raises(sqlite3.ProgrammingError, db.execute, "select :a", (1,))
    raises(sqlite3.ProgrammingError, db.execute, "select 1; select 2")
    raises(sqlite3.ProgrammingError, db.executemany, "select ?", [(1,)])
    raises(TypeError, db.execute, 3)
    assert db.execute("").fetchall() == [] and db.execute("-- nothing").fetchall() == []
    assert db.execute("select 1 -- a comment").fetchone() == (1,)

# Errors tell what SQLite says.
with connect() as db:
    e = raises(sqlite3.OperationalError, db.execute, "select wrong")
    assert str(e) == "no such column: wrong" and e.sqlite_errorcode == 1 and e.sqlite_errorname == "SQLITE_ERROR"
    db.execute("create table t (a unique)")
    db.execute("insert into t values (1)")
    e = raises(sqlite3.IntegrityError, db.execute, "insert into t values (1)")
    assert e.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE" and "UNIQUE" in str(e)
    caught = []

    def other_thread():
        try:
            db.execute("select 1")
        except sqlite3.ProgrammingError as e:
            caught.append(str(e))

    t = threading.Thread(target=other_thread)
    t.start()
    t.join()
    assert caught and caught[0].startswith("SQLite objects created in a thread")
raises(sqlite3.ProgrammingError, db.execute, "select 1")
raises(sqlite3.OperationalError, sqlite3.connect, "/nowhere/at/all.db")
assert issubclass(sqlite3.IntegrityError, sqlite3.DatabaseError) and db.Error is sqlite3.Error

# Transactions.
with connect() as db:
    db.execute("create table t (a)")
    assert not db.in_transaction
    db.execute("insert into t values (1)")
    assert db.in_transaction
    db.rollback()
    assert db.execute("select count(*) from t").fetchone() == (0,)
    with db:
        db.execute("insert into t values (1)")
    try:
        with db:
            db.execute("insert into t values (2)")
            raise KeyError
    except KeyError:
        pass
    assert db.execute("select a from t").fetchall() == [(1,)]
    db.executescript("insert into t values (3); insert into t values (4);")
    assert db.total_changes == 5
with connect(autocommit=False) as db:
    assert db.in_transaction
    db.execute("create table t (a)")
    db.commit()
    assert db.in_transaction
with connect(isolation_level=None) as db:
    db.execute("create table t (a)")
    db.execute("insert into t values (1)")
    assert not db.in_transaction
raises(ValueError, sqlite3.connect, ":memory:", isolation_level="SOMETIMES")

# Functions, aggregates, collations and hooks in Python.
class Longest:
    def __init__(self):
        self.value_ = ""

    def step(self, text):
        if len(text) > len(self.value_):
            self.value_ = text

    def inverse(self, text):
        pass

    def value(self):
        return self.value_

    finalize = value


with connect() as db:
    db.create_function("twice", 1, lambda x: x * 2, deterministic=True)
    assert db.execute("select twice(21), twice('ab'), twice(x'00')").fetchone() == (42, "abab", b"\0\0")
    db.create_function("fails", 0, lambda: 1 / 0)
    assert str(raises(sqlite3.OperationalError, db.execute, "select fails()")) == "user-defined function raised exception"
    db.create_function("huge", 0, lambda: 2**70)
    raises(sqlite3.DataError, db.execute, "select huge()")
    db.create_function("inner", 0, lambda: db.execute("select 5").fetchone()[0])
    assert db.execute("select inner()").fetchone() == (5,)
    db.executescript("create table t (a); insert into t values ('x'), ('long'), ('B');")
    db.create_aggregate("longest", 1, Longest)
    assert db.execute("select longest(a) from t").fetchone() == ("long",)
    db.create_window_function("longest", 1, Longest)
    rows = db.execute("select longest(a) over (order by rowid) from t").fetchall()
    assert rows == [("x",), ("long",), ("long",)]
    db.create_collation("nocase2", lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))
    assert db.execute("select a from t order by a collate nocase2").fetchall() == [("B",), ("long",), ("x",)]
    seen = []
    db.set_trace_callback(seen.append)
    db.execute("select 1")
    db.set_trace_callback(None)
    assert seen == ["select 1"]
    db.set_authorizer(lambda *args: sqlite3.SQLITE_DENY)
    raises(sqlite3.DatabaseError, db.execute, "select a from t")
    db.set_authorizer(None)
    db.set_progress_handler(lambda: True, 1)
    raises(sqlite3.OperationalError, db.execute, "select a from t")
    db.set_progress_handler(None, 1)
    db.create_function("twice", 1, None)
    raises(sqlite3.OperationalError, db.execute, "select twice(1)")

# Rows by name, text factories, adapters and converters.
with connect(detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES) as db:
    db.row_factory = sqlite3.Row
    row = db.execute("select 1 as a, 'x' as B").fetchone()
    assert row["A"] == 1 and row["b"] == "x" and row[-1] == "x" and tuple(row) == (1, "x") and row.keys() == ["a", "B"]
    assert row == db.execute("select 1 as a, 'x' as B").fetchone() and len({row, row}) == 1
    raises(IndexError, lambda: row["c"])
    db.row_factory = None
    db.text_factory = bytes
    assert db.execute("select 'x'").fetchone() == (b"x",)
    db.text_factory = str
    raises(sqlite3.OperationalError, lambda: db.execute("select cast(x'ff' as text)").fetchone())

    class Point:
        def __init__(self, x):
            self.x = x

        def __conform__(self, protocol):
            if protocol is sqlite3.PrepareProtocol:
                return f"P{self.x}"

    assert db.execute("select ?", (Point(3),)).fetchone() == ("P3",)
    sqlite3.register_adapter(datetime.date, lambda d: d.isoformat())
    sqlite3.register_converter("day", lambda b: datetime.date.fromisoformat(b.decode()))
    db.execute("create table t (d day)")
    db.execute("insert into t values (?)", (datetime.date(2024, 2, 29),))
    assert db.execute("select d from t").fetchone() == (datetime.date(2024, 2, 29),)
    assert db.execute("select '2020-01-01' as \"d [day]\"").fetchone() == (datetime.date(2020, 1, 1),)

# Blobs, copies, dumps, settings.
with connect() as db, connect() as other:
    db.execute("create table t (b blob)")
    db.execute("insert into t values (zeroblob(10))")
    with db.blobopen("t", "b", 1) as blob:
        blob.write(b"hello")
        blob.seek(1)
        assert blob.read(3) == b"ell" and blob.tell() == 4 and len(blob) == 10
        blob[0] = ord("j")
        blob[8:10] = b"!!"
        assert blob[0:10:4] == b"jo!" and blob[-1] == ord("!")
        raises(IndexError, lambda: blob[10])
        raises(ValueError, blob.write, b"x" * 20)
    raises(sqlite3.ProgrammingError, blob.read)
    db.commit()
    steps = []
    db.backup(other, pages=1, progress=lambda *a: steps.append(a))
    assert other.execute("select b from t").fetchone() == (b"jello\0\0\0!!",) and steps[-1][1] == 0
    data = db.serialize()
    with connect() as third:
        third.deserialize(data)
        assert third.execute("select count(*) from t").fetchone() == (1,)
    assert any("CREATE TABLE t" in line for line in db.iterdump())
    old = db.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 2)
    assert db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) == 2 and old > 2
    assert db.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY) is False
assert sqlite3.complete_statement("select 1;") and not sqlite3.complete_statement("select 1")

print("databases: ok")

# What callbacks raise is shown if that is asked for.
shown = []
sys.unraisablehook = lambda u: shown.append((u.exc_type, u.err_msg, u.object))
sqlite3.enable_callback_tracebacks(True)
with connect() as db:
    db.execute("create table t(x)")

    def too_large(*details):
        return 1 << 31

    db.set_authorizer(too_large)
    raises(sqlite3.DatabaseError, db.execute, "select * from t")
    assert shown == [(OverflowError, f"Exception ignored on sqlite3 callback {too_large!r}", None)], shown
sqlite3.enable_callback_tracebacks(False)
sys.unraisablehook = sys.__unraisablehook__
