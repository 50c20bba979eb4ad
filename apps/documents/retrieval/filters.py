"""Filters of a search by properties of documents: kind, language, folder and day of upload.

`parse_filters` reads them from a form or request, `SearchFilters.narrow_scope` applies them to a search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import get_language_info, gettext
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, TypeAdapter

from apps.documents.library.uploads import clean_folder_path
from apps.documents.models import Document
from apps.reading.parsing.formats import find_by_kind

if TYPE_CHECKING:
    from apps.documents.retrieval.candidates import SearchScope

MAX_VALUES = 50  # of kinds, and of languages
PATH_CHARACTERS = 500  # as Document.path
_FORMS = 60  # characters of the space-separated kinds that share one label


@dataclass(frozen=True, slots=True)
class FilterPart:
    """Single condition of a filter: name and value of its form field, and words for users."""

    name: str
    value: str
    words: str


def _split_kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    kinds = dict.fromkeys(kind for item in value for kind in item.split())
    if not all(map(find_by_kind, kinds)):
        raise ValueError("a kind that no document has")
    return tuple(kinds)


_OrEmpty = BeforeValidator(lambda value: () if value is None else value)
_Labels = Annotated[str, StringConstraints(min_length=1, max_length=_FORMS)]
_Code = Annotated[str, StringConstraints(pattern="^[A-Za-z]{1,2}$", to_lower=True)]
Kinds = Annotated[tuple[_Labels, ...], _OrEmpty, Field(max_length=MAX_VALUES), AfterValidator(_split_kinds)]
Languages = Annotated[
    tuple[_Code, ...], _OrEmpty, Field(max_length=MAX_VALUES), AfterValidator(lambda codes: tuple(dict.fromkeys(codes)))
]
_Path = Annotated[str, BeforeValidator(lambda value: value or ""), Field(max_length=PATH_CHARACTERS)]
Folder = Annotated[_Path, AfterValidator(clean_folder_path)]
Day = Annotated[date | None, BeforeValidator(lambda value: value or None)]


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Conditions on documents; an empty field filters nothing.

    `kinds` are values of `Document.kind`, `languages` two-letter codes of ISO 639-1. `path` is a folder, including its
    subfolders. `since` and `until` are days on which documents were added, both included.
    """

    kinds: Kinds = ()
    languages: Languages = ()
    path: Folder = ""
    since: Day = None
    until: Day = None

    def __bool__(self) -> bool:
        return self != NO_FILTERS

    def narrow_scope(self, scope: SearchScope) -> SearchScope:
        """Return the scope limited to the documents that pass; `scope` itself if nothing is filtered. Call through
        `in_db`."""
        if not self:
            return scope
        ready = Document.objects.filter(collection__in=scope.collections, status=Document.Status.READY)
        ids = self.passed(ready).order_by().values_list("pk", flat=True)
        return replace(scope, documents=frozenset(pk.hex for pk in ids))

    def passed(self, rows: QuerySet[Document]) -> QuerySet[Document]:
        """Return the queryset limited to documents that pass."""
        if self.kinds:
            rows = rows.filter(kind__in=_drop_nul(self.kinds))
        if self.languages:
            rows = rows.filter(language__in=[language.lower() for language in _drop_nul(self.languages)])
        if folder := clean_folder_path(self.path):
            rows = rows.filter(Q(path=folder) | Q(path__startswith=f"{folder}/"))
        if self.since:
            rows = rows.filter(created__date__gte=self.since)
        return rows.filter(created__date__lte=self.until) if self.until else rows

    def record(self) -> dict[str, Any]:
        """Return the filters as JSON values without empty fields; `parse_filters` reads them back."""
        days = {name: day.isoformat() for name, day in (("since", self.since), ("until", self.until)) if day}
        own = {"kinds": list(self.kinds), "languages": list(self.languages), "path": self.path}
        return {name: value for name, value in own.items() if value} | days

    def parts(self) -> tuple[FilterPart, ...]:
        """Return the conditions one by one, in words of the active language."""
        return tuple(self._parts())

    @property
    def words(self) -> str:
        """Return all conditions in words, such as "PDF, German, in a/b"; "" if there are none."""
        return ", ".join(part.words for part in self.parts())

    def _parts(self) -> Iterator[FilterPart]:
        for label in dict.fromkeys(map(get_kind_label, self.kinds)):
            yield FilterPart("kinds", " ".join(kind for kind in self.kinds if get_kind_label(kind) == label), label)
        for code in self.languages:
            yield FilterPart("languages", code, get_language_label(code))
        if self.path:
            yield FilterPart("path", self.path, gettext("in %(folder)s") % {"folder": self.path})
        if self.since:
            yield FilterPart(
                "since", self.since.isoformat(), gettext("from %(day)s") % {"day": date_format(self.since)}
            )
        if self.until:
            yield FilterPart(
                "until", self.until.isoformat(), gettext("until %(day)s") % {"day": date_format(self.until)}
            )


def _drop_nul(values: tuple[str, ...]) -> list[str]:
    """Return the values without those that hold NUL, which no document has and PostgreSQL refuses to compare."""
    return [value for value in values if "\0" not in value]


NO_FILTERS = SearchFilters()
_FILTERS: TypeAdapter[SearchFilters] = TypeAdapter(SearchFilters)


def parse_filters(value: Any) -> SearchFilters:
    """Return the filters of a mapping; one text in `kinds` may hold several, separated by spaces.

    Raises ValueError if the value is no mapping, or holds an unknown kind, a malformed language, folder or day.
    """
    return _FILTERS.validate_python(value)


def parse_stored_filters(value: Any) -> SearchFilters:
    """Return the filters of a stored record; NO_FILTERS if this version cannot read it."""
    try:
        return parse_filters(value)
    except ValueError:
        return NO_FILTERS


def get_kind_label(kind: str) -> str:
    """Return the translated label of a kind of documents; the kind itself if it is unknown."""
    return gettext(known.label) if (known := find_by_kind(kind)) else kind


def get_language_label(code: str) -> str:
    """Return the name of a language in the active language; the code itself if it is unknown."""
    if code == "zh":
        return gettext("Chinese")
    try:
        return capfirst(str(get_language_info(code)["name_translated"]))
    except KeyError:
        return code
