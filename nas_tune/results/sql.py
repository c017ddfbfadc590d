"""SQL over the tables of a run, by DuckDB in memory.

A query sees the tables and nothing else: no file, no network, no Python variable, no extension, and it cannot
change that. The ledger is not touched.

SQL ignores case. A run of an older version may have columns that differ in case alone, such as `accuracy` and
`Accuracy`; in a query each of them has a number behind its name, so that no query answers with the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

import duckdb
import pyarrow as pa

from nas_tune.errors import ConfigError

__all__ = ["query"]

_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def query(sql: str, tables: Mapping[str, Callable[[], pa.Table]]) -> pa.Table:
    """Answer a query over tables.

    Args:
        sql: the query, in DuckDB's dialect.
        tables: from names to functions that build a table; only tables that the query names are built.

    Returns:
        The rows of the answer.

    Raises:
        ConfigError: the query is wrong; the message has DuckDB's reason and the columns of the tables.
    """
    used = {name: build() for name, build in tables.items() if name in sql.lower()}
    with closing(duckdb.connect(":memory:", config=_SEALED)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in used.items():
            connection.register(name, _told_apart(table))
        connection.execute("SET lock_configuration = true")
        try:
            found = connection.sql(sql)
            return _plain(found.to_arrow_table()) if found is not None else pa.table({})
        except duckdb.Error as error:
            raise ConfigError(_explained(str(error), tables, used)) from error


def _explained(reason: str, tables: Mapping[str, Callable[[], pa.Table]], used: Mapping[str, pa.Table]) -> str:
    columns = [f"{name} has: {', '.join(_told_apart(table).column_names)}" for name, table in used.items()]
    known = "\n".join(columns) or f"the tables are: {', '.join(tables)}"
    return f"the query cannot be answered: {reason}\n{known}"


def _told_apart(table: pa.Table) -> pa.Table:
    """Number the columns whose names differ in case alone."""
    lower = [name.lower() for name in table.column_names]
    names: list[str] = []
    for name in table.column_names:
        number = 1
        while lower.count(name.lower()) > 1 and f"{name}_{number}".lower() in {*lower, *map(str.lower, names)}:
            number += 1
        names.append(name if lower.count(name.lower()) == 1 else f"{name}_{number}")
    return table.rename_columns(names)


def _plain(table: pa.Table) -> pa.Table:
    """Convert DuckDB's 38-digit decimals, which sums of integers give, to int64 where they fit, else to float64."""
    for index, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            column = table.column(index)
            table = table.set_column(index, field.name, _number(column, field.type.scale))
    return table


def _number(column: pa.ChunkedArray, scale: int) -> pa.ChunkedArray:
    if scale == 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            pass
    return column.cast(pa.float64())
