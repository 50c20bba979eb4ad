"""Queries that are compiled once and asked often: on the way of a question the ORM takes a millisecond to write SQL
that the database answers in thirty microseconds.

    _names = Compiled(lambda user, pks: Collection.objects.visible_to(user).filter(pk__in=pks).values_list("name"))
    rows = _names(user, [first, second])

The function is written as ever, and so is who may see what. It is called once for each shape of values, with markers in
their places; later calls, of all threads, put their own values where the markers came out in the SQL. It must not look
into the values: of a person it gets the key alone, and asking for more raises `DoesNotExist`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

Row = TypeVar("Row")

_MARK = 2**61  # far beyond any key that a table gives out


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    params: tuple[Any, ...]  # what stands fixed, and None where a value goes
    places: tuple[tuple[int, int], ...]  # of a parameter, and of its value among all values
    converters: tuple[tuple[int, Sequence[Callable[..., Any]], Any], ...]  # of a column, and its expression
    columns: int | None  # to keep of each row, where the SQL selects more than was asked for
    make: Callable[[Sequence[Any]], Any]  # a row of the caller's from one of the database


class Compiled(Generic[Row]):
    """A function from values to a queryset or `values_list`; called with values, it gives the rows. For `in_db`.

    Values are stored model instances, UUIDs, whole numbers, texts, and sequences of the last three; any other value is
    taken as it is, each time. Raises ValueError where a value does not reach the SQL.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Row]]) -> None:
        self._build = build
        self._plans: dict[Any, _Plan | None] = {}  # by database and shape

    def __call__(self, *values: Any) -> list[Row]:
        values = tuple(_padded(value) for value in values)
        if not all(isinstance(value, _KINDS) for value in values):
            return list(self._build(*values))
        kinds = ((type(value), len(value) if isinstance(value, tuple) else 1) for value in values)
        shape = connection.alias, *kinds
        if shape not in self._plans:
            self._plans[shape] = _plan(self._build, values)
        plan = self._plans[shape]
        return [] if plan is None else _rows(plan, _flat(values))


_KINDS = (Model, UUID, int, str, tuple)


def _rows(plan: _Plan, values: Sequence[Any]) -> list[Any]:
    params = list(plan.params)
    for at, which in plan.places:
        params[at] = values[which]
    with connection.cursor() as cursor:
        cursor.execute(plan.sql, params)
        rows: Iterable[Sequence[Any]] = cursor.fetchall()
    if plan.columns is not None:
        rows = [row[: plan.columns] for row in rows]
    if plan.converters:
        rows = _converted(plan, rows)
    return [plan.make(row) for row in rows]


def _converted(plan: _Plan, rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """As the compiler does it, with the connection of this thread."""
    for row in map(list, rows):
        for at, converters, expression in plan.converters:
            for converter in converters:
                row[at] = converter(row[at], expression, connection)
        yield row


def _plan(build: Callable[..., QuerySet[Any, Any]], values: tuple[Any, ...]) -> _Plan | None:
    """The SQL for values of this shape; None where nothing can ever be found."""
    marks = _marks(values)
    queryset = build(*marks)
    compiler = queryset.query.get_compiler(connection=connection)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    known = {mark: which for which, mark in enumerate(_flat(marks))}
    places = tuple((at, known[param]) for at, param in enumerate(params) if param in known)
    if len({which for _, which in places}) != len(known):
        raise ValueError("A value of the query does not reach its SQL")
    found = {at for at, _ in places}
    fixed = tuple(None if at in found else param for at, param in enumerate(params))
    found_converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
    converters = tuple((column, tuple(some), expression) for column, (some, expression) in found_converters.items())
    columns = compiler.col_count if compiler.has_extra_select else None
    return _Plan(sql, fixed, places, converters, columns, _maker(queryset))


def _maker(queryset: QuerySet[Any, Any]) -> Callable[[Sequence[Any]], Any]:
    """What makes a tuple of each row of a `values_list`, and an instance of one of a queryset."""
    query = queryset.query
    if query.annotation_select or query.extra_select or query.select_related or query.deferred_loading[0]:
        raise ValueError("A compiled query selects fields of its own, all or by name")
    if query.values_select:
        return tuple
    model, names = queryset.model, [field.attname for field in queryset.model._meta.concrete_fields]
    return lambda row: model.from_db(connection.alias, names, row)


def _marks(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A marker of the same kind in the place of each value, all different."""
    numbers = iter(range(_MARK, _MARK + 2**20))

    def mark(value: Any) -> Any:
        match value:
            case Model():
                model = value._meta.model  # type() of the person of a request is not theirs
                return model.from_db(connection.alias, [model._meta.pk.attname], [mark(value.pk)])
            case tuple():
                return [mark(item) for item in value]
            case UUID():
                return UUID(int=next(numbers))
            case str():
                return f"mark {next(numbers)}"
            case int() if not isinstance(value, bool):
                return next(numbers)
        raise ValueError(f"A compiled query takes no {type(value).__name__}")

    return tuple(mark(value) for value in values)


def _padded(value: Any) -> Any:
    """Sequences as tuples whose length is a power of two, the last item repeated, so that few plans are needed."""
    if isinstance(value, str | Model) or not isinstance(value, Iterable):  # the person of a request is both
        return value
    items = tuple(value)
    missing = (1 << (len(items) - 1).bit_length()) - len(items) if items else 0
    return items + items[-1:] * missing


def _flat(values: Iterable[Any]) -> list[Any]:
    """Every value by itself, as the database takes it."""
    native = connection.features.has_native_uuid_field
    flat: list[Any] = []
    for value in values:
        for item in value if isinstance(value, tuple | list) else (value,):
            key = item.pk if isinstance(item, Model) else item
            flat.append(key.hex if isinstance(key, UUID) and not native else key)
    return flat
