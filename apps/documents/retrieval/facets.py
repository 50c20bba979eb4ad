"""List the values by which a search can be narrowed: kinds, languages and folders of the readable documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count

from apps.documents.models import Collection, Document
from apps.documents.retrieval.filters import SearchFilters, get_kind_label, get_language_label

if TYPE_CHECKING:
    from apps.users.models import AnyUser

FOLDERS = 300  # paths from which folders are offered; a longer list would not help users to choose


@dataclass(frozen=True, slots=True)
class FacetValue:
    """Value of a facet: as the form sends it, in words for users, and whether it is chosen now."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class SearchFacets:
    """Values to choose from. A facet with a single value is empty, unless a value of it is chosen."""

    kinds: tuple[FacetValue, ...]
    languages: tuple[FacetValue, ...]
    folders: tuple[FacetValue, ...]
    filters: SearchFilters
    documents: int  # documents that pass `filters`


def list_facets(user: AnyUser, collections: Sequence[UUID], filters: SearchFilters) -> SearchFacets:
    """Return the facets of the ready documents in these collections that the user may read. Call through `in_db`.

    Empty `collections`: all that the user may read. Kinds and languages are ordered by frequency, folders by name.
    """
    readable = Collection.objects.visible_to(user)
    readable = readable.filter(pk__in=collections) if collections else readable
    rows = Document.objects.filter(collection__in=readable.values("pk"), status=Document.Status.READY).order_by()
    paths = rows.exclude(path="").values_list("path", flat=True).distinct()
    return SearchFacets(
        kinds=_list_kinds(_sort_by_frequency(rows.values_list("kind").annotate(n=Count("pk"))), filters.kinds),
        languages=_list_languages(
            _sort_by_frequency(rows.values_list("language").annotate(n=Count("pk"))), filters.languages
        ),
        folders=_list_folders(paths[:FOLDERS], filters.path),
        filters=filters,
        documents=filters.passed(rows).count(),
    )


def _sort_by_frequency(counted: Iterable[tuple[str, int]]) -> list[str]:
    """Return the values, most frequent first."""
    return [value for value, _ in sorted(counted, key=lambda item: (-item[1], item[0]))]


def _list_kinds(stored: list[str], chosen: Sequence[str]) -> tuple[FacetValue, ...]:
    """Return one facet value per label: kinds with the same label are one choice."""
    labels: dict[str, list[str]] = {}
    for kind in dict.fromkeys([*stored, *chosen]):
        if kind:
            labels.setdefault(get_kind_label(kind), []).append(kind)
    if len(labels) < 2 and not chosen:
        return ()
    return tuple(
        FacetValue(" ".join(kinds), label, not set(chosen).isdisjoint(kinds)) for label, kinds in labels.items()
    )


def _list_languages(stored: list[str], chosen: Sequence[str]) -> tuple[FacetValue, ...]:
    codes = dict.fromkeys([*stored, *chosen])
    if len(codes) < 2 and not chosen:
        return ()
    return tuple(FacetValue(code, get_language_label(code), code in chosen) for code in codes if code)


def _list_folders(paths: Iterable[str], chosen: str) -> tuple[FacetValue, ...]:
    """Return every folder and all its parents, sorted."""
    folders = {way for path in paths for way in accumulate(path.split("/"), "{}/{}".format)}
    if chosen:
        folders.add(chosen)
    return tuple(FacetValue(path, path, path == chosen) for path in sorted(folders))
