"""Find the document that a request means, among those that its user may read and that are searched here."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from rapidfuzz.distance import OSA

from apps.conversations.core.document_request import LIST, SUMMARY, DocumentRequest, fold_word
from apps.documents.models import Document
from apps.documents.retrieval.candidates import SearchScope, resolve_scope

if TYPE_CHECKING:
    from apps.conversations.turns.preparation import PreparedTurn

MAX_CHOICES = 5  # documents that a user is asked to choose from
_NEWEST = 2000  # documents whose names are compared with misspelt words
_NAMED = 200  # further ones that have a word of the request in their name
_LEAST_LETTERS, _LONG = 4, 8  # of a word in which one letter may be wrong, or two
_WHOLE = 1 - 1e-6  # of a title
_TITLE_WORDS = 2  # of a title that alone makes a request of a message
_PART = 0.5  # weight of a title that a request must name where it holds other words too
_JUST = timedelta(minutes=10)  # "this document" is the one that the user has just added
_PIECE = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class DocumentChoice:
    """Document that a request means: one; several, between which the user must choose, and how many more there are; or
    none. `subject` are the words that do not name it; `named`: the request names it; `unread`: a document that the
    user has just added and that is still being read."""

    document: Document | None = None
    several: tuple[Document, ...] = ()
    more: int = 0
    subject: tuple[str, ...] = ()
    named: bool = False
    unread: Document | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    pk: UUID
    words: frozenset[str]  # of its title, else of its file's name
    also: frozenset[str]  # of its file's name, with what follows the dot


def readable_documents(opening: PreparedTurn) -> QuerySet[Document]:
    """Return the documents that the user may read and that are searched in this turn. For `in_db`."""
    rows = _searched_documents(opening).filter(status=Document.Status.READY)
    place = read_scope(opening)
    return rows if place.documents is None else rows.filter(pk__in=[UUID(pk) for pk in place.documents])


def _searched_documents(opening: PreparedTurn) -> QuerySet[Document]:
    rows = Document.objects.visible_to(opening.user).select_related("collection")
    return rows.filter(collection__in=list(read_scope(opening).collections), withheld="")


def find_document(opening: PreparedTurn, request: DocumentRequest) -> DocumentChoice:
    """Return which document the request means: the one it names, else the one that the user has added since the last
    exchange, the only one, the one that the chat is about, or the one that was added lately. For `in_db`."""
    rows = readable_documents(opening)
    named, left = _find_named(rows, request)
    if len(named) == 1:
        return DocumentChoice(rows.get(pk=named[0]), subject=left, named=True)
    if named:
        return replace(_several(rows.filter(pk__in=named), left), named=True)
    if (unread := _find_unread(opening, request)) is not None:
        return unread
    since = opening.place.changed if opening.history else None
    lately = _added(rows, opening)[:2]
    if len(lately) == 1 and (since is None or lately[0].created > since):
        return DocumentChoice(lately[0], subject=left)
    first = list(rows.order_by("-created")[:2])
    if len(first) == 1:
        return DocumentChoice(first[0], subject=left)
    if (pk := _spoken_of(opening)) is not None and (spoken := rows.filter(pk=pk).first()) is not None:
        return DocumentChoice(spoken, subject=left)
    return DocumentChoice(lately[0], subject=left) if len(lately) == 1 else _several(rows, left)


def _find_unread(opening: PreparedTurn, request: DocumentRequest) -> DocumentChoice | None:
    """Return the document that the user has just added and that is still being read, where the request names it or
    names none. Lists are looked for in what is there."""
    rows = _added(_searched_documents(opening).filter(status__in=Document.ACTIVE), opening)
    if request.kind == LIST or not rows.exists():
        return None
    named, left = _find_named(rows, request)
    if named:
        return DocumentChoice(unread=rows.filter(pk__in=named).first(), subject=left, named=True)
    return None if request.subject else DocumentChoice(unread=rows.first())


def _added(rows: QuerySet[Document], opening: PreparedTurn) -> QuerySet[Document]:
    """Return those that the user has added lately, the newest first."""
    return rows.filter(uploaded_by=opening.user, created__gte=timezone.now() - _JUST).order_by("-created")


def find_named_document(opening: PreparedTurn, name: str) -> Document | None:
    """Return the one document that these words name, spelt as there; None where they say more, or name none or several.
    For `in_db`."""
    words = tuple(name.split())
    rows = readable_documents(opening)
    named, left = _find_named(rows, DocumentRequest(SUMMARY, words, words))
    found = rows.filter(pk=named[0]).first() if len(named) == 1 and not left else None
    own = _words(f"{found.title} {found.name}") if found is not None else frozenset()
    return found if _words(name) <= own else None


def read_scope(opening: PreparedTurn) -> SearchScope:
    """Return what is searched in this turn. For `in_db`."""
    return opening.scope or opening.filters.narrowed(resolve_scope(opening.user, opening.collections))


def _several(rows: QuerySet[Document], subject: tuple[str, ...]) -> DocumentChoice:
    count = rows.count()
    return DocumentChoice(
        None, tuple(rows.order_by("-created", "name")[:MAX_CHOICES]), max(0, count - MAX_CHOICES), subject
    )


def _spoken_of(opening: PreparedTurn) -> UUID | None:
    """Return the document of the last exchange that had any, None where it had several."""
    for past in reversed(opening.history):
        if pks := {item.document_id for item in past.given if item.document_id is not None}:
            return next(iter(pks)) if len(pks) == 1 else None
    return None


def _find_named(rows: QuerySet[Document], request: DocumentRequest) -> tuple[list[UUID], tuple[str, ...]]:
    """Return the documents that the words of the request name, the best alone where one is, and the words of its
    subject that name none."""
    asked = [fold_word(piece) for word in request.words for piece in _PIECE.findall(word)]
    subject = {word: [fold_word(piece) for piece in _PIECE.findall(word)] for word in request.subject}
    own = {piece for pieces in subject.values() for piece in pieces}
    if not own:
        return [], ()
    known = _names(rows, own)
    weight = _rarity(known)
    scored = []
    alike = operator.eq if request.kind == LIST else _alike  # what is listed may be spelt nearly like a name
    for document in known:
        said = {word for word in document.words if any(alike(word, other) for other in asked)}
        matched = sum(weight[word] for word in said if any(alike(word, other) for other in own))
        share = sum(weight[word] for word in said) / sum(weight[word] for word in document.words)
        every = document.words | document.also
        left = tuple(word for word in request.subject if not _names_part(subject[word], every, alike))
        if request.in_full and (share < _WHOLE or len(document.words) < _TITLE_WORDS):
            continue
        if matched and _names_document(request, share, left):
            exact = len(own & document.words)
            scored.append(((not left, share >= _WHOLE, exact, round(matched, 3)), document.pk, left))
    if not scored:
        return [], request.subject
    best = max(rank for rank, _, _ in scored)
    found = [(pk, left) for rank, pk, left in scored if rank == best]
    return [pk for pk, _ in found], found[0][1]


def _names(rows: QuerySet[Document], own: Iterable[str]) -> list[_Named]:
    fields = ("pk", "title", "name")
    found = list(rows.order_by("-created").values_list(*fields)[:_NEWEST])
    if len(found) == _NEWEST:
        wanted = reduce(or_, (Q(title__icontains=word) | Q(name__icontains=word) for word in own))
        found = list({*found, *rows.filter(wanted).values_list(*fields)[:_NAMED]})
    named = [_Named(pk, _words(title or name.rpartition(".")[0] or name), _words(name)) for pk, title, name in found]
    return [item for item in named if item.words]


def _words(text: str) -> frozenset[str]:
    return frozenset(fold_word(piece) for piece in _PIECE.findall(text))


def _rarity(known: Sequence[_Named]) -> dict[str, float]:
    seen = Counter(word for document in known for word in document.words)
    return {word: math.log(1 + len(known) / count) for word, count in seen.items()}


def _names_document(request: DocumentRequest, share: float, left: Sequence[str]) -> bool:
    """Return whether a request names a document of whose title it holds that share, with those words left over. What is
    to be listed is left over."""
    if request.kind == LIST:
        return bool(left) and share >= _PART
    return share >= _WHOLE or not left


def _names_part(pieces: Sequence[str], words: Iterable[str], alike: Callable[[str, str], bool]) -> bool:
    words = list(words)
    return bool(pieces) and all(any(alike(piece, word) for word in words) for piece in pieces)


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    least = min(len(one), len(other))
    if least < _LEAST_LETTERS or any(map(str.isdigit, one + other)):
        return False
    wrong = 2 if least >= _LONG else 1
    return OSA.distance(one, other, score_cutoff=wrong) <= wrong
