"""PostgreSQL: a table lock for writers, guards as triggers that nobody's session setting switches off, a word index.

The triggers are ENABLE ALWAYS, so `session_replication_role = replica` does not pass them, and their functions look for
`ledger` in its own schema, so a temporary table of that name does not fool them. Statement triggers refuse UPDATE,
DELETE and TRUNCATE as well as ON CONFLICT DO UPDATE and MERGE; a row trigger refuses every entry that does not directly
follow the last one. A session that stands still inside a transaction is ended by the server, so that a process which
was stopped cannot hold everybody else up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from sqlalchemy import URL, Connection, Engine, RowMapping, create_engine, event, inspect, text

from agora.errors import LedgerError

DRIVER: Final = "postgresql+psycopg"
_PLAIN: Final = ("postgres", "postgresql", DRIVER)
_SCHEMA_LOCK: Final = 0x61676F7261  # "agora"
_IDLE_S: Final = 60.0
"""How long a session may stand still inside a transaction."""
_CONNECT_S: Final = 10
_TEMPORARY: Final = ("08", "53", "57P", "40001", "40P01", "25P03")
"""SQLSTATE prefixes of what passes: connection, resources, shutdown and start, serialization, deadlock, idle ended."""


class _Guard(NamedTuple):
    table: str
    fires: str
    kind: int
    """`pg_trigger.tgtype`: 1 row, 2 before, 4 INSERT, 8 DELETE, 16 UPDATE, 32 TRUNCATE."""
    body: str


GUARDS: Final[Mapping[str, _Guard]] = {
    "ledger_insert": _Guard(
        "ledger",
        "BEFORE INSERT ON {table} FOR EACH ROW",
        1 + 2 + 4,
        " DECLARE last record;"
        " BEGIN SELECT seq, hash INTO last FROM ledger ORDER BY seq DESC LIMIT 1;"
        " IF NEW.seq IS DISTINCT FROM coalesce(last.seq, 0) + 1"
        " OR (NEW.seq > 1 AND NEW.prev IS DISTINCT FROM last.hash)"
        " THEN RAISE EXCEPTION 'the ledger is append-only: an entry follows the last one' USING ERRCODE = '23000';"
        " END IF; RETURN NEW; END ",
    ),
    "ledger_change": _Guard(
        "ledger",
        "BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT",
        2 + 8 + 16 + 32,
        " BEGIN RAISE EXCEPTION 'the ledger is append-only: no %', TG_OP USING ERRCODE = '23000'; END ",
    ),
    "bodies_insert": _Guard(
        "bodies",
        "BEFORE INSERT ON {table} FOR EACH ROW",
        1 + 2 + 4,
        " BEGIN IF NEW.hash IS DISTINCT FROM (SELECT body FROM ledger WHERE seq = NEW.seq)"
        " OR EXISTS (SELECT 1 FROM bodies WHERE seq = NEW.seq)"
        " THEN RAISE EXCEPTION 'a body belongs to an entry, and is never changed' USING ERRCODE = '23000';"
        " END IF; RETURN NEW; END ",
    ),
    "bodies_change": _Guard(
        "bodies",
        "BEFORE UPDATE OR TRUNCATE ON {table} FOR EACH STATEMENT",
        2 + 16 + 32,
        " BEGIN RAISE EXCEPTION 'a body can be erased, but never changed: no %', TG_OP USING ERRCODE = '23000'; END ",
    ),
}
"""Triggers by name: what makes the ledger append-only."""

_FOUND: Final = text(
    "SELECT t.tgname, c.relname, t.tgtype, p.prosrc, p.proconfig FROM pg_trigger t"
    " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE n.nspname = current_schema() AND NOT t.tgisinternal AND t.tgenabled = 'A'"
    " AND t.tgqual IS NULL AND t.tgattr = ''"
)

_WORDS: Final = "to_tsvector('agora_words', regexp_replace(goal, '[!-/:-@\\[-`{-~]+', ' ', 'g'))"
_RECALL: Final = (
    # As FTS5's porter: words by their stem, and no word is left out for being common.
    "CREATE TEXT SEARCH DICTIONARY agora_stem (TEMPLATE = snowball, LANGUAGE = english)",
    "CREATE TEXT SEARCH CONFIGURATION agora_words (COPY = simple)",
    "ALTER TEXT SEARCH CONFIGURATION agora_words"
    " ALTER MAPPING FOR asciiword, word, numword, asciihword, hword, numhword,"
    " hword_part, hword_asciipart, hword_numpart WITH agora_stem",
    f"CREATE INDEX memory_words ON memory_entries USING gin (({_WORDS}))",
)
_BY_RANK: Final = text(
    f"SELECT m.* FROM memory_entries m, to_tsquery('agora_words', :query) q"
    f" WHERE {_WORDS} @@ q AND m.grounded = :grounded"
    f" ORDER BY ts_rank({_WORDS}, q) DESC, m.seq DESC LIMIT :limit"
)

MENDS: Final[Mapping[str, str]] = {
    "28P01": "check the password in AGORA_DB_URL",
    "password authentication failed": "check the password in AGORA_DB_URL",
    "no password supplied": "put the password into AGORA_DB_URL, or into ~/.pgpass",
    "28000": "allow this user and host in the server's pg_hba.conf",
    "3D000": "create the database (createdb NAME), or name another in AGORA_DB_URL",
    "does not exist": "create it, or name another in AGORA_DB_URL",
    "42501": "grant this user CREATE on the schema and all rights on its tables",
    "25006": "connect to a server that can be written (this one is read-only or a standby)",
    "53100": "free some disk space on the server",
    "53300": "raise the server's max_connections, or run fewer processes",
    "55P03": "another program holds the ledger; end it or try again",
    "57014": "raise the server's statement_timeout, or try again",
    "could not translate host name": "check the host in AGORA_DB_URL",
    "resolve": "check the host in AGORA_DB_URL",
    "connection failed": "check that the server runs and that AGORA_DB_URL names it",
    "57P": "the server was shut down or is starting; start it and try again",
    "08": "check that the server runs and can be reached, then try again",
}
"""SQLSTATE, its class, or part of what the server says -> the mend; the first that fits."""


class _Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...


class _Driver(Protocol):
    autocommit: bool

    def cursor(self) -> _Cursor: ...


class Postgres:
    """What is particular to PostgreSQL."""

    def engine(self, url: URL, *, busy_s: float) -> Engine:
        """An engine whose sessions have a deadline for every wait.

        Raises:
            LedgerError: Another driver than psycopg is asked for, or it is not installed.
        """
        if url.drivername not in _PLAIN:
            raise LedgerError(f"database driver {url.drivername!r} cannot be used: write {DRIVER}://...")
        try:
            engine = create_engine(
                url.set(drivername=DRIVER),
                pool_pre_ping=True,
                pool_timeout=busy_s,
                isolation_level="READ COMMITTED",
                connect_args={
                    "connect_timeout": _CONNECT_S,
                    "keepalives_idle": 10,
                    "keepalives_interval": 5,
                    "keepalives_count": 3,
                    "tcp_user_timeout": 30_000,
                },
            )
        except ImportError as problem:
            raise LedgerError("PostgreSQL needs psycopg: pip install 'agora-market[postgres]'") from problem
        settings = {
            "lock_timeout": f"{round(busy_s * 1000)}ms",
            "idle_in_transaction_session_timeout": f"{round(_IDLE_S * 1000)}ms",
        }

        def prepare(driver: _Driver, _record: object) -> None:
            before, driver.autocommit = driver.autocommit, True
            cursor = driver.cursor()
            for name, value in settings.items():
                cursor.execute(f"SET {name} = '{value}'")
            # A server that acknowledges before it has flushed would break what `record` promises.
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
            driver.autocommit = before

        event.listen(engine, "connect", prepare)
        return engine

    def lock(self, connection: Connection) -> None:
        """Let nobody else write the ledger until the transaction ends; readers go on."""
        connection.exec_driver_sql("LOCK TABLE ledger IN EXCLUSIVE MODE")

    def lock_schema(self, connection: Connection) -> None:
        """Let nobody else migrate until the transaction ends."""
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")

    def guard(self, connection: Connection) -> None:
        """(Re-)make the guards and the full-text index."""
        schema = _schema(connection)
        for name, guard in GUARDS.items():
            table = f"{schema}.{guard.table}"
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {schema}.agora_{name}() RETURNS trigger LANGUAGE plpgsql"
                f" SET search_path = {schema}, pg_temp AS $guard${guard.body.replace('%', '%%')}$guard$"
            )
            fires = guard.fires.format(table=table)
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            connection.exec_driver_sql(f"CREATE TRIGGER {name} {fires} EXECUTE FUNCTION {schema}.agora_{name}()")
            connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
        if not self.has_recall_index(connection):
            connection.exec_driver_sql("DROP TEXT SEARCH CONFIGURATION IF EXISTS agora_words CASCADE")
            connection.exec_driver_sql("DROP TEXT SEARCH DICTIONARY IF EXISTS agora_stem CASCADE")
            for statement in _RECALL:
                connection.exec_driver_sql(statement.replace("%", "%%"))

    def guarded(self, connection: Connection) -> bool:
        """Whether all guards are there, word for word, and always on."""
        schema = _schema(connection)
        found = {row.tgname: row for row in connection.execute(_FOUND)}
        for name, guard in GUARDS.items():
            row = found.get(name)
            if row is None or (row.relname, row.tgtype, row.prosrc) != (guard.table, guard.kind, guard.body):
                return False
            if row.proconfig != [f"search_path={schema}, pg_temp"]:
                return False
        return self.has_recall_index(connection)

    def has_recall_index(self, connection: Connection) -> bool:
        """Whether this database has the full-text index."""
        query = "SELECT 1 FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'memory_words'"
        return connection.exec_driver_sql(query).first() is not None

    def search(
        self, connection: Connection, asked: Sequence[str], *, limit: int, grounded: bool
    ) -> Sequence[RowMapping]:
        """Stemmed words, ranked by how many of them match and how often; the newest first among equals."""
        query = " | ".join(f"'{word}'" for word in asked)
        values = {"query": query, "grounded": grounded, "limit": limit}
        return connection.execute(_BY_RANK, values).mappings().all()

    def scrub(self, engine: Engine) -> None:
        """Every table written anew; the server's own log, its replicas and backups are not ours to change."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            names = inspect(connection).get_table_names()
            connection.exec_driver_sql(f"VACUUM (FULL) {', '.join(sorted(names))}")

    def mend(self, said: str, code: str) -> str:
        """What helps against an error."""
        return next((mend for sign, mend in MENDS.items() if sign in said or code.startswith(sign)), "")

    def may_pass(self, said: str, code: str) -> bool:
        """Whether the same transaction may succeed a moment later."""
        return code.startswith(_TEMPORARY)


def _schema(connection: Connection) -> str:
    name = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    return str(connection.dialect.identifier_preparer.quote(str(name)))
