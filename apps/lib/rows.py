"""Many rows of one table, written by one prepared statement: most of what `bulk_create` takes goes into making SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper


def insert(rows: Sequence[models.Model]) -> None:
    """New rows of one model are stored. They are not told the keys that the table gave them."""
    if not rows:
        return
    meta = rows[0]._meta
    connection = connections[router.db_for_write(type(rows[0]))]
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
    values = [prepared(field, (field.pre_save(row, True) for row in rows), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.executemany(statement, list(zip(*values, strict=True)))


def prepared(field: Any, values: Iterable[Any], connection: BaseDatabaseWrapper) -> list[Any]:
    """The values of one field as the database takes them; the same one for all rows is made ready once."""
    found: list[Any] = []
    before = object()
    for value in values:
        found.append(found[-1] if value is before else field.get_db_prep_save(value, connection))
        before = value
    return found
