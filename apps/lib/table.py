"""Tables that are searched, filtered, sorted and paged by the query string of their page.

Entry point: `read_table_request`. The rows themselves are searched and filtered by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet

if TYPE_CHECKING:
    from django.http import QueryDict
    from django_stubs_ext import StrOrPromise

ROWS = 50  # of a page
_TEXT_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table. `fields` are database fields to sort by, without direction; () if it cannot be sorted."""

    key: str
    label: StrOrPromise
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """Heading of a column with the query string that sorts by it ("" if it cannot be sorted)."""

    label: StrOrPromise
    query: str
    direction: str  # of `aria-sort`: "ascending", "descending", or "" if the table is not sorted by it


@dataclass(frozen=True, slots=True)
class TableRequest:
    """Search, filters, order and page of a table, as its query string says. Unknown values count as not given."""

    columns: Sequence[Column]
    text: str
    filters: Mapping[str, str]  # chosen values; "" for all rows
    sort: str  # key of a column; with a leading "-" descending
    page: int
    default_sort: str  # as `sort`

    @property
    def is_narrowed(self) -> bool:
        """Return whether a search or a filter leaves rows out."""
        return bool(self.text or any(self.filters.values()))

    @property
    def query(self) -> str:
        """Return the query string without the page, to which a link adds one."""
        return self._encode(self.sort)

    def query_with(self, **filters: str) -> str:
        """Return the query string with these filters changed."""
        return self._encode(self.sort, filters)

    @property
    def headings(self) -> list[Heading]:
        """Return the headings; a link on the column that sorts now turns the direction around."""
        return [self._make_heading(column) for column in self.columns]

    def _make_heading(self, column: Column) -> Heading:
        direction = {column.key: "ascending", f"-{column.key}": "descending"}.get(self.sort, "")
        following = f"-{column.key}" if direction == "ascending" else column.key
        return Heading(column.label, self._encode(following) if column.fields else "", direction)

    def _encode(self, sort: str, changed: Mapping[str, str] | None = None) -> str:
        given = {"q": self.text, **self.filters, **(changed or {}), "sort": sort}
        return urlencode({key: value for key, value in given.items() if value})

    def sort_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows in the order that is asked for; missing values stand last, equal ones by their keys."""
        fields = next(column.fields for column in self.columns if column.key == self.sort.removeprefix("-"))
        down = self.sort.startswith("-")
        order = [F(name).desc(nulls_last=True) if down else F(name).asc(nulls_last=True) for name in fields]
        return rows.order_by(*order, "pk")

    def paginate(self, rows: QuerySet[Any]) -> Page[Any]:
        """Return the page of the sorted rows; the last one if there are fewer pages than asked for."""
        return Paginator(self.sort_rows(rows), ROWS).get_page(self.page)


def read_table_request(
    given: QueryDict,
    columns: Sequence[Column],
    filters: Mapping[str, Collection[str]] | None = None,
    default_sort: str = "",
) -> TableRequest:
    """Read `q`, `sort`, `page` and the filters, each with its values.

    `default_sort` is the key of a column, with a leading "-" descending; "" is the first column.
    """
    default_sort = default_sort or columns[0].key
    sort = given.get("sort", "")
    known = {column.key for column in columns if column.fields}
    page = given.get("page", "")
    return TableRequest(
        columns=columns,
        text=given.get("q", "").replace("\0", "").strip()[:_TEXT_CHARACTERS],
        filters={
            name: given.get(name, "") if given.get(name, "") in values else ""
            for name, values in (filters or {}).items()
        },
        sort=sort if sort.removeprefix("-") in known and not sort.startswith("--") else default_sort,
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 7 else 1,
        default_sort=default_sort,
    )
