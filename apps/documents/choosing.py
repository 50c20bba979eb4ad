"""What there is to choose from when a search is narrowed: kinds, languages and folders of the documents there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count

from apps.documents.filters import Filters, kind_label, language_label
from apps.documents.models import Collection, Document

if TYPE_CHECKING:
    from apps.documents.models import Reader

FOLDERS = 300  # that are offered; whoever has more finds documents by a question


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What is the same for all documents is not offered, unless it was chosen before."""

    kinds: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    folders: tuple[Choice, ...]
    filters: Filters
    documents: int  # that pass


def choices(user: Reader, collections: Sequence[UUID], filters: Filters) -> Choices:
    """Of the ready documents of these collections (none: all) that this person may read. For `in_db`."""
    places = Collection.objects.visible_to(user)
    places = places.filter(pk__in=collections) if collections else places
    rows = Document.objects.filter(collection__in=places.values("pk"), status=Document.Status.READY).order_by()
    paths = rows.exclude(path="").values_list("path", flat=True).distinct()
    return Choices(
        kinds=_kinds(_often(rows.values_list("kind").annotate(n=Count("pk"))), filters.kinds),
        languages=_languages(_often(rows.values_list("language").annotate(n=Count("pk"))), filters.languages),
        folders=_folders(paths[:FOLDERS], filters.path),
        filters=filters,
        documents=filters.passed(rows).count(),
    )


def _often(counted: Iterable[tuple[str, int]]) -> list[str]:
    """The most frequent first."""
    return [value for value, _ in sorted(counted, key=lambda item: (-item[1], item[0]))]


def _kinds(found: list[str], chosen: Sequence[str]) -> tuple[Choice, ...]:
    """Kinds that people call the same are one choice."""
    labels: dict[str, list[str]] = {}
    for kind in dict.fromkeys([*found, *chosen]):
        if kind:
            labels.setdefault(kind_label(kind), []).append(kind)
    if len(labels) < 2 and not chosen:
        return ()
    return tuple(Choice(" ".join(kinds), label, not set(chosen).isdisjoint(kinds)) for label, kinds in labels.items())


def _languages(found: list[str], chosen: Sequence[str]) -> tuple[Choice, ...]:
    known = dict.fromkeys([*found, *chosen])
    if len(known) < 2 and not chosen:
        return ()
    return tuple(Choice(code, language_label(code), code in chosen) for code in known if code)


def _folders(paths: Iterable[str], chosen: str) -> tuple[Choice, ...]:
    """Each folder, and each that it stands in."""
    known = {way for path in paths for way in accumulate(path.split("/"), "{}/{}".format)}
    if chosen:
        known.add(chosen)
    return tuple(Choice(path, path, path == chosen) for path in sorted(known))
