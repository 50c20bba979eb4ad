"""Suggest first questions, made from headings of documents that the user may read.

Each is tried before it is shown: the search must find a passage of the same document.

Entry points: `list_candidates`, `suggest_questions`.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache
from django.utils.translation import gettext

from apps.documents.models import Chunk, Collection, Document
from apps.documents.retrieval import search
from apps.documents.retrieval.toc_detection import has_page_leader, is_toc_or_noise
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db
from apps.safety.text.normalization import hash_text
from apps.users.models import User

log = logging.getLogger(__name__)

MAX_QUESTIONS = 3
_CANDIDATES = 9  # questions that are tried
_DOCUMENTS = 5  # newest documents that are read for headings
_TRIAL_S = 2.5  # seconds for all trials of one page
_KEPT_S = 3600  # seconds for which the result of a trial is remembered
_SHORTEST, _LONGEST = 4, 60  # characters of a heading or title in a question
_HEADINGS = 40  # headings read per document
SEPARATOR = " › "
_NUMBERING = re.compile(  # "2.", "3.1", "IV." or "§ 4" before the words of a heading
    r"^(?:\d+(?:\.\d+)*[.)]|\d+(?:\.\d+)+|\d{1,2}(?=\s+[^\W\d_a-z])|§\s*\d+\w*|[A-Z][.)]|[IVX]+[.)])\s+"
)
_MAILS = ("mail", "msg")  # kinds whose headings are those of letters and attachments
_APPARATUS = re.compile(  # parts of a document that answer nothing
    r"(?:table of )?contents|index|references|bibliography|appendix.*|annex.*|attachments?.*|acknowledge?ments?|"
    r"list of (?:tables|figures)|foreword|preface|imprint|notes|summary|introduction|"
    r"inhalt(?:sverzeichnis|sübersicht)?|verzeichnis.*|literatur(?:verzeichnis)?|anhang.*|anlagen?.*|vorwort|impressum|"
    r"abbildungsverzeichnis|einleitung|zusammenfassung|"
    r"índice.*|contenidos?|tabla de contenidos?|referencias|bibliografía|anexos?.*|adjuntos?.*|prólogo|introducción|"
    r"resumen|(?:from|to|cc|subject|date|sent|von|an|betreff|datum|de|para|asunto|fecha) *:.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StarterQuestion:
    """Question with the document whose heading it was made of."""

    text: str
    document: UUID


async def suggest_questions(user: User, chosen: set[UUID]) -> list[str]:
    """Return up to three questions that the search answers from the document whose heading they are made of.

    `chosen` are collection ids; empty means all that the user may read. Takes `_TRIAL_S` at most and what the last
    search needs; what was not tried by then is left out.
    """
    found: list[str] = []
    until = time.monotonic() + _TRIAL_S
    for candidate in await in_db(list_candidates, user, chosen):
        if len(found) == MAX_QUESTIONS or time.monotonic() > until:
            break
        try:
            if await _finds_document(user, candidate, chosen):
                found.append(candidate.text)
        except EngineError:
            log.warning("Starter questions could not be tried")
            break
    return found


async def _finds_document(user: User, candidate: StarterQuestion, chosen: set[UUID]) -> bool:
    """Return whether the best passage for the question is of its document, as tried now or within the last hour."""
    place = ".".join(sorted(map(str, chosen)))
    key = f"starter:{user.pk}:{hash_text(f'{place} {candidate.document} {candidate.text}')}"
    known: bool | None = await cache.aget(key)
    if known is None:
        result = await search.search(user, candidate.text, collections=tuple(chosen))
        best = result.passages[0] if result.passages else None
        known = best is not None and best.document_id == candidate.document and not is_toc_or_noise(best.text)
        await cache.aset(key, known, _KEPT_S)
    return known


def list_candidates(user: User, chosen: set[UUID]) -> list[StarterQuestion]:
    """Return questions, the newest documents first and in turns. `chosen` as in `suggest_questions`. For `in_db`."""
    visible = Collection.objects.visible_to(user)
    searched = visible.filter(pk__in=chosen) if chosen else visible
    ready = {"status": Document.Status.READY, "withheld": ""}
    documents = Document.objects.filter(collection__in=searched.values("pk"), **ready).exclude(kind__in=_MAILS)
    found = [
        [StarterQuestion(text, document.pk) for text in _make_questions(document)]
        for document in documents.order_by("-created")[:_DOCUMENTS]
    ]
    rounds = [questions[turn] for turn in range(_CANDIDATES) for questions in found if turn < len(questions)]
    return rounds[:_CANDIDATES]


def _is_subject(heading: str) -> bool:
    """Return whether the heading names something that a document answers, not its apparatus, a number or a ruler."""
    bare = heading.strip().strip("0123456789.§ ")
    return (
        len(bare) >= _SHORTEST
        and not is_toc_or_noise(heading)
        and not has_page_leader(heading)
        and not _APPARATUS.fullmatch(bare)
        and "@" not in heading
    )


def _make_questions(document: Document) -> Iterator[str]:
    title = str(document)
    headings = (
        Chunk.objects.filter(document=document)
        .exclude(heading="")
        .order_by("position")
        .values_list("heading", flat=True)
    )
    last = (path.split(SEPARATOR)[-1].strip() for path in headings[:_HEADINGS])
    for heading in dict.fromkeys(_NUMBERING.sub("", one, count=1) for one in last):
        if not _is_subject(heading):
            continue
        if heading.endswith("?"):
            yield heading
        elif heading != title and max(len(heading), len(title)) <= _LONGEST:
            words = gettext("What does “%(title)s” say about “%(heading)s”?")
            yield words % {"title": title, "heading": heading}
