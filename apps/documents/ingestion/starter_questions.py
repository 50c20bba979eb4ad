"""Questions to begin with: made from a document's headings and sentences, kept if the reader finds their answer there.

They are stored with the document. `Document.starters` is None until they are made, and again after its text changed;
the rows are the queue, so that documents of earlier versions get theirs too. Entry points: `sweep`, `store_starters`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from apps.documents.ingestion.question_patterns import LANGUAGES, MadeQuestion, Section, make_questions
from apps.documents.models import Chunk, Document, Page
from apps.engines.types import EngineError
from apps.grounding.claim_features import extract_features
from apps.grounding.passage import Passage
from apps.grounding.quote_selection import Quote, select_quotes
from apps.lib.text.text_normalization import normalize_text
from apps.lib.text.toc_detection import is_toc_or_noise

log = logging.getLogger(__name__)

MAX_STARTERS = 3  # questions of a document
MIN_CHANCE = 0.5  # that the quote answers, 0 to 1, as the reader sees it
_TRIED = 10  # questions of a document that are read, at most
_CHUNKS = 400  # chunks of a document that are read
_OTHERS = 2  # further passages in which the answer must not stand rather
_RELEVANCE = 0.5  # of each passage: there was no search, and an even chance says nothing
_ROUND = 100  # documents of one sweep, at most
_ROUND_S = 5.0  # seconds of one sweep, which shares its worker with documents that are being read
# Kinds whose lines are fields, cells or symbols
_NO_PROSE = ("mail", "msg", "sheet", "csv", "code", "json", "xml", "image", "notebook")
_sweeping = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Place:
    """Chunk with the text of its page that it was made of."""

    chunk: Chunk
    text: str

    @property
    def heading(self) -> str:
        return self.chunk.heading.split(" › ")[-1].strip()


def sweep() -> int:
    """Make the questions of documents that have none yet, for some seconds. Return the number of documents.

    A periodic job, and run when the queue of documents is empty. Returns at once if another thread sweeps.
    """
    if not _sweeping.acquire(blocking=False):
        return 0
    try:
        until, done = time.monotonic() + _ROUND_S, 0
        waiting = Document.objects.listed().filter(status=Document.Status.READY, starters__isnull=True)
        for document in waiting.order_by("-created")[:_ROUND]:
            if time.monotonic() > until:
                break
            store_starters(document)
            done += 1
        return done
    except EngineError:
        log.warning("Starter questions wait: the reader of passages cannot be asked")
        return 0
    finally:
        _sweeping.release()


def store_starters(document: Document) -> None:
    """Make and store the questions of a document. Raises EngineError.

    None are stored if its text changed meanwhile, and [] after any other error, so that no document stops the others.
    """
    places = _read_places(document)
    try:
        made = _make_starters(document, places)
    except EngineError:
        raise
    except Exception:
        log.exception("No starter questions could be made of document %s", document.pk)
        made = []
    Document.objects.filter(pk=document.pk).update(starters=made)
    if _read_places(document) != places:
        Document.objects.filter(pk=document.pk).update(starters=None)


def _make_starters(document: Document, places: Sequence[_Place]) -> list[str]:
    """Return up to three questions that a passage of the document answers, the surest first. Raises EngineError."""
    if document.language not in LANGUAGES or document.kind in _NO_PROSE:
        return []
    made = make_questions(document.language, [Section(place.heading, place.text) for place in places])[:_TRIED]
    rated = [(_rate(question, document, places), question.text) for question in made]
    return [text for chance, text in sorted(rated, reverse=True)[:MAX_STARTERS] if chance]


def _read_places(document: Document) -> list[_Place]:
    """Return the chunks that answers may use and that the gate did not mark, in order."""
    pages = dict(Page.objects.filter(document=document).values_list("number", "text"))
    chunks = Chunk.objects.filter(document=document, enabled=True, flag="").defer("vector").order_by("position")
    places = [
        _Place(chunk, pages.get(chunk.page_number, "")[chunk.char_start : chunk.char_end]) for chunk in chunks[:_CHUNKS]
    ]
    return [place for place in places if not is_toc_or_noise(place.text)]


def _rate(question: MadeQuestion, document: Document, places: Sequence[_Place]) -> float:
    """Return the chance that the question's section answers it; 0.0 if too small, or if another place does rather."""
    terms = extract_features(question.text).terms
    own = places[question.section]
    others = sorted(
        (place for place in places if place is not own),
        key=lambda place: -len(terms & extract_features(place.text).terms),
    )
    passages = {at: _make_passage(document, place) for at, place in enumerate([own, *others[:_OTHERS]])}
    best = next(iter(select_quotes(question.text, passages, {}, 1)), None)
    return best.score if best and best.score >= MIN_CHANCE and _is_from(best, question) else 0.0


def _is_from(quote: Quote, question: MadeQuestion) -> bool:
    """Return whether the quote is of the question's section, and its sentence if it was made of one."""
    return quote.source == 0 and question.sentence in normalize_text(quote.text)


def _make_passage(document: Document, place: _Place) -> Passage:
    chunk, text = place.chunk, place.text
    return Passage(
        chunk_id=chunk.pk, document_id=document.pk, collection_id=document.collection_id, title=str(document),
        kind=document.kind, page_number=chunk.page_number, heading=chunk.heading,
        spans=((chunk.char_start, chunk.char_end),), text=chunk.text, full_start=chunk.char_start,
        full_end=chunk.char_end, full_text=text, relevance=_RELEVANCE, cosine=0.0, bm25=0.0,
    )  # fmt: skip
