"""Find the document that a request means, among those that the user may read and that the turn searches.

Entry points: `find_document`, `find_named_document`, `readable_documents`, `read_scope`.
"""

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
    from apps.conversations.core.turn_input import TurnInput

MAX_CHOICES = 5  # documents offered when the user must choose
_NEWEST = 2000  # newest documents whose names are compared with misspelt words
_NAMED = 200  # further documents that have a word of the request in their name
_LEAST_LETTERS, _LONG = 4, 8  # letters of a word from which one, or two, may be wrong
_WHOLE = 1 - 1e-6  # share of a title that counts as all of it
_FILE_NAME_WEIGHT = 1.0  # of a file name, in the units of the words of titles: the logarithm of their rarity
_TITLE_WORDS = 2  # words that a title needs for a message of only that title to be a request
_PART = 0.5  # weighted share of a title that a request for a list must hold
_JUST = timedelta(minutes=10)  # a document added within this time can be "this document"
_PIECE = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class DocumentChoice:
    """Document that a request means; or `options` from which the user must choose; or none.

    `further_count` counts documents beyond `options`. `subject` holds the words that do not name the document, and
    `is_named` tells whether the request names it. `pending` is a document that the user has just added and that is
    still being ingested.
    """

    document: Document | None = None
    options: tuple[Document, ...] = ()
    further_count: int = 0
    subject: tuple[str, ...] = ()
    is_named: bool = False
    pending: Document | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """Document with the folded words of its names."""

    pk: UUID
    title_words: frozenset[str]  # of the title, else of the file name
    file_name_words: frozenset[str]  # of the file name with its extension
    stem_words: frozenset[str]  # of the file name without it

    def is_file_named(self, asked: Iterable[str], *, is_whole_subject: bool) -> bool:
        """Return whether the asked words hold the file name with its extension, or without it where they hold nothing
        else than names of this document."""
        named = self.file_name_words <= set(asked)
        return named or (is_whole_subject and bool(self.stem_words) and self.stem_words <= set(asked))


def readable_documents(prepared: TurnInput) -> QuerySet[Document]:
    """Return the documents that the user may read and that this turn searches. For `in_db`."""
    rows = _searched_documents(prepared).filter(status=Document.Status.READY)
    scope = read_scope(prepared)
    return rows if scope.documents is None else rows.filter(pk__in=[UUID(pk) for pk in scope.documents])


def _searched_documents(prepared: TurnInput) -> QuerySet[Document]:
    rows = Document.objects.visible_to(prepared.user).select_related("collection")
    return rows.filter(collection__in=list(read_scope(prepared).collections), withheld="")


def find_document(prepared: TurnInput, request: DocumentRequest) -> DocumentChoice:
    """Return the document that the request means. For `in_db`.

    Tried in order: named by the request; of the files of the conversation, if it has any, else of
    all, added since the last exchange; the only one; cited by the last exchange; added in the last ten minutes.
    Otherwise the user must choose.
    """
    rows = readable_documents(prepared)
    named, left = _find_named(rows, request)
    if len(named) == 1:
        return DocumentChoice(rows.get(pk=named[0]), subject=left, is_named=True)
    if named:
        return replace(_offer_choice(rows.filter(pk__in=named), left), is_named=True)
    if (unread := _find_unread(prepared, request)) is not None:
        return unread
    if prepared.files is not None and (own := rows.filter(collection=prepared.files)).exists():
        rows = own
    since = prepared.conversation.changed if prepared.history else None
    lately = _filter_recent(rows, prepared)[:2]
    if len(lately) == 1 and (since is None or lately[0].created > since):
        return DocumentChoice(lately[0], subject=left)
    first = list(rows.order_by("-created")[:2])
    if len(first) == 1:
        return DocumentChoice(first[0], subject=left)
    if (pk := _find_cited_document(prepared)) is not None and (spoken := rows.filter(pk=pk).first()) is not None:
        return DocumentChoice(spoken, subject=left)
    return DocumentChoice(lately[0], subject=left) if len(lately) == 1 else _offer_choice(rows, left)


def _find_unread(prepared: TurnInput, request: DocumentRequest) -> DocumentChoice | None:
    """Return the just added document that is still being ingested, if the request names it or names none.

    None for lists, which are searched in ready documents only.
    """
    waiting = _searched_documents(prepared).filter(status__in=Document.ACTIVE)
    rows = _filter_recent(waiting if prepared.files is None else waiting.filter(collection=prepared.files), prepared)
    if request.kind == LIST or not rows.exists():
        return None
    named, left = _find_named(rows, request)
    if named:
        return DocumentChoice(pending=rows.filter(pk__in=named).first(), subject=left, is_named=True)
    return None if request.subject else DocumentChoice(pending=rows.first())


def _filter_recent(rows: QuerySet[Document], prepared: TurnInput) -> QuerySet[Document]:
    """Return the documents that the user added in the last ten minutes, the newest first."""
    return rows.filter(uploaded_by=prepared.user, created__gte=timezone.now() - _JUST).order_by("-created")


def find_named_document(prepared: TurnInput, name: str) -> Document | None:
    """Return the one document that these words name, spelt exactly; None if they say more, or name none or several.

    For `in_db`.
    """
    words = tuple(name.split())
    rows = readable_documents(prepared)
    named, left = _find_named(rows, DocumentRequest(SUMMARY, words, words))
    found = rows.filter(pk=named[0]).first() if len(named) == 1 and not left else None
    own = _split_words(f"{found.title} {found.name}") if found is not None else frozenset()
    return found if _split_words(name) <= own else None


def read_scope(prepared: TurnInput) -> SearchScope:
    """Return the scope of all that this turn may search. For `in_db`."""
    if prepared.scope is not None and not prepared.files_first:
        return prepared.scope
    return prepared.filters.narrow_scope(resolve_scope(prepared.user, prepared.collections))


def _offer_choice(rows: QuerySet[Document], subject: tuple[str, ...]) -> DocumentChoice:
    count = rows.count()
    return DocumentChoice(
        None, tuple(rows.order_by("-created", "name")[:MAX_CHOICES]), max(0, count - MAX_CHOICES), subject
    )


def _find_cited_document(prepared: TurnInput) -> UUID | None:
    """Return the document of the last exchange that had sources; None if it had several."""
    for past in reversed(prepared.history):
        if pks := {item.document_id for item in past.sources if item.document_id is not None}:
            return next(iter(pks)) if len(pks) == 1 else None
    return None


def _find_named(rows: QuerySet[Document], request: DocumentRequest) -> tuple[list[UUID], tuple[str, ...]]:
    """Return the documents that the request names, best matches only, and the words of its subject that name none.

    Title words are weighted by rarity; misspelt words match, except for lists. A file name names its document whatever
    the title is.
    """
    asked = [fold_word(piece) for word in request.all_words for piece in _PIECE.findall(word)]
    subject = {word: [fold_word(piece) for piece in _PIECE.findall(word)] for word in request.subject}
    own = {piece for pieces in subject.values() for piece in pieces}
    if not own:
        return [], ()
    known = _load_names(rows, own)
    weight = _weigh_words(known)
    scored = []
    alike = operator.eq if request.kind == LIST else _is_similar  # words to be listed may resemble a name
    for document in known:
        mentioned = {word for word in document.title_words if any(alike(word, other) for other in asked)}
        matched = sum(weight[word] for word in mentioned if any(alike(word, other) for other in own))
        share = sum(weight[word] for word in mentioned) / sum(weight[word] for word in document.title_words)
        every = document.title_words | document.file_name_words
        left = tuple(word for word in request.subject if not _names_part(subject[word], every, alike))
        if document.is_file_named(asked, is_whole_subject=not left):
            matched, share = max(matched, _FILE_NAME_WEIGHT), _WHOLE
        if request.needs_full_title and (share < _WHOLE or len(document.title_words) < _TITLE_WORDS):
            continue
        if matched and _names_document(request, share, left):
            exact = len(own & every)
            scored.append(((not left, share >= _WHOLE, exact, round(matched, 3)), document.pk, left))
    if not scored:
        return [], request.subject
    best = max(rank for rank, _, _ in scored)
    found = [(pk, left) for rank, pk, left in scored if rank == best]
    return [pk for pk, _ in found], found[0][1]


def _load_names(rows: QuerySet[Document], own: Iterable[str]) -> list[_Named]:
    fields = ("pk", "title", "name")
    found = list(rows.order_by("-created").values_list(*fields)[:_NEWEST])
    if len(found) == _NEWEST:
        wanted = reduce(or_, (Q(title__icontains=word) | Q(name__icontains=word) for word in own))
        found = list({*found, *rows.filter(wanted).values_list(*fields)[:_NAMED]})
    named = [
        _Named(pk, _split_words(title or _get_stem(name)), _split_words(name), _split_words(_get_stem(name)))
        for pk, title, name in found
    ]
    return [item for item in named if item.title_words]


def _get_stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _split_words(text: str) -> frozenset[str]:
    return frozenset(fold_word(piece) for piece in _PIECE.findall(text))


def _weigh_words(known: Sequence[_Named]) -> dict[str, float]:
    seen = Counter(word for document in known for word in document.title_words)
    return {word: math.log(1 + len(known) / count) for word, count in seen.items()}


def _names_document(request: DocumentRequest, share: float, left: Sequence[str]) -> bool:
    """Return whether the request names a document.

    `share` is the weighted share of its title that the request holds, `left` the words left over. A list needs words
    left over: they name the entries.
    """
    if request.kind == LIST:
        return bool(left) and share >= _PART
    return share >= _WHOLE or not left


def _names_part(pieces: Sequence[str], words: Iterable[str], alike: Callable[[str, str], bool]) -> bool:
    words = list(words)
    return bool(pieces) and all(any(alike(piece, word) for word in words) for piece in pieces)


def _is_similar(one: str, other: str) -> bool:
    if one == other:
        return True
    least = min(len(one), len(other))
    if least < _LEAST_LETTERS or any(map(str.isdigit, one + other)):
        return False
    wrong = 2 if least >= _LONG else 1
    return OSA.distance(one, other, score_cutoff=wrong) <= wrong
