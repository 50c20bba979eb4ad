"""Answer a recognised request. A model that reads well reads the document (`reading.py`). Else no model writes, and
every line of the answer stands in the document. Where it is not clear which document is meant, the answer asks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from django.utils.translation import gettext, ngettext

from apps.conversations.assistants import answer_style
from apps.conversations.core.document_request import COMPARE, LIST, OUTLINE, SUMMARY, DocumentRequest, recognise_request
from apps.conversations.evidence import answer_sources
from apps.conversations.models import WHOLE_DOCUMENT_STEP
from apps.conversations.turns import generation, retrieval
from apps.conversations.turns.state import Turn
from apps.conversations.turns.whole_document import extracts
from apps.conversations.turns.whole_document.comparison import find_sides
from apps.conversations.turns.whole_document.document_choice import DocumentChoice, find_document, readable_documents
from apps.conversations.turns.whole_document.excerpt_writer import ExcerptCiter, begin_excerpt_answer, escape_markdown
from apps.conversations.turns.whole_document.extracts import ExtractLine
from apps.conversations.turns.whole_document.model_reading import read_whole
from apps.conversations.turns.whole_document.structure import DocumentStructure, read_document
from apps.documents.models import Document
from apps.documents.retrieval.search import SearchResult
from apps.engines import registry
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db, in_pool

_LOOK_S = 0.5  # between looks at a document that is still being read
_SEARCHED = 3  # documents of a search in which a list is looked for


def recognise_turn_request(turn: Turn) -> DocumentRequest | None:
    """Return what the message of the turn asks of a whole document; None where it must be answered as a question. A
    message after one that was asked back about may be the name of the document."""
    opening = turn.opening
    if opening.without_documents or opening.attached or opening.written or opening.text.startswith("/"):
        return None
    if (request := recognise_request(opening.text, may_name=True)) is not None or not opening.history:
        return request
    before = opening.history[-1]
    asked = None if before.given else recognise_request(before.question)
    if asked is None or asked.kind == COMPARE:
        return None
    words = tuple(opening.text.split())
    return replace(asked, words=words, subject=(*asked.subject, *words))


async def reply_to_request(turn: Turn, request: DocumentRequest) -> bool:
    """Answer the request. Return False, with nothing said, where it must be answered as a question. Raises Withheld."""
    if request.kind == COMPARE:
        return False
    meant = await _wait_for(turn, request)
    if request.kind == LIST and not await has_passed_reading_check(turn):
        return await _list(turn, meant)
    if request.kind == LIST:
        return meant.document is not None and await read_whole(turn, meant.document)
    if not (meant.document or meant.several or meant.unread) or not (meant.named or request.sure):
        return False
    if any(not word.isdecimal() for word in meant.subject):
        return False  # it is about a subject
    if meant.unread is not None:
        return await _say_unread(turn, meant.unread)
    if meant.document is None:
        return await _ask_back(turn, meant)
    if await has_passed_reading_check(turn) and await read_whole(turn, meant.document):
        return True
    return await _extract(turn, request.kind, meant.document)


async def find_comparison(turn: Turn, request: DocumentRequest) -> SearchResult | None:
    """Return what is found of both sides of a comparison, their quotes chosen; None for another request, and where a
    side has none. Raises Withheld."""
    return await find_sides(turn, request) if request.kind == COMPARE else None


async def has_passed_reading_check(turn: Turn) -> bool:
    """Return whether the model has passed the reading check; False also where its server is away."""
    try:
        info = await turn.chat.info()
    except EngineError:
        return False
    return answer_style.has_passed_reading_check(
        await in_db(answer_style.get_model_profile, info.name), registry.get_chat_model(turn.opening.model)
    )


async def _wait_for(turn: Turn, request: DocumentRequest) -> DocumentChoice:
    """Return which document is meant. One that the user has just added is waited for, some seconds at most."""
    until = time.perf_counter() + retrieval.MAX_FILE_WAIT_S
    while (meant := await in_db(find_document, turn.opening, request)).unread and time.perf_counter() < until:
        await asyncio.sleep(_LOOK_S)
    return meant


async def _say_unread(turn: Turn, document: Document) -> bool:
    await retrieval.check_question(turn)
    await _open(turn)
    await turn.step(WHOLE_DOCUMENT_STEP, gettext("A document is still being read"), 0.0)
    words = gettext("“%(title)s” is still being read. Ask again when it is ready.")
    await generation.emit_text(turn, words % {"title": escape_markdown(str(document))})
    return True


async def _extract(turn: Turn, kind: str, document: Document) -> bool:
    start = time.perf_counter()
    structure = await in_db(read_document, turn.opening.user, document)
    lines, left, heads = list[ExtractLine](), 0, gettext("Its headings:")
    if kind == OUTLINE:
        lines, left = extracts.outline(structure)
    if not lines:
        lines = await in_pool(extracts.summarise, structure)
        heads = _summary_words(kind, lines)
    if not lines and kind == SUMMARY:
        (lines, left), heads = extracts.outline(structure), gettext("It has no sentences to quote. Its headings:")
    if not lines:
        return False
    await retrieval.check_question(turn)
    await _write(turn, structure, lines, [_taken(document), heads], left, (time.perf_counter() - start) * 1000)
    return True


def _summary_words(kind: str, lines: list[ExtractLine]) -> str:
    if kind == OUTLINE:
        return gettext("It has no headings. The central sentences of its parts:")
    if any(line.heads for line in lines):
        return gettext("Its main headings, each with its central sentence:")
    return gettext("The central sentences of its parts:")


async def _list(turn: Turn, meant: DocumentChoice) -> bool:
    """Write the lists of the document whose name is the subject; where no document is clear, of what a search finds."""
    start = time.perf_counter()
    documents = [meant.document] if meant.document else await _search(turn)
    for document in documents:
        structure = await in_db(read_document, turn.opening.user, document)
        lines, left = await in_pool(extracts.list_entries, structure, meant.subject)
        if lines:
            await retrieval.check_question(turn)
            count = len(lines) + left
            heads = ngettext(
                "%(n)s entry of its lists, tables and headings:",
                "%(n)s entries of its lists, tables and headings:",
                count,
            )
            said = [_taken(document), heads % {"n": count}]
            await _write(turn, structure, lines, said, left, (time.perf_counter() - start) * 1000)
            return True
    return False


async def _search(turn: Turn) -> list[Document]:
    """Return the documents of the best passages, the best first."""
    found = await retrieval.retrieve_passages(turn)
    pks = list(dict.fromkeys(passage.document_id for passage in found.passages))[:_SEARCHED] if found else []

    def read() -> list[Document]:
        rows = readable_documents(turn.opening).in_bulk(pks)
        return [rows[pk] for pk in pks if pk in rows]

    return await in_db(read)


def _taken(document: Document) -> str:
    title = escape_markdown(str(document))
    return gettext("Taken from “%(title)s” word for word; no model wrote this.") % {"title": title}


async def _write(
    turn: Turn, structure: DocumentStructure, lines: list[ExtractLine], said: list[str], left: int, ms: float
) -> None:
    """Show sources and lines as the answer; each line is credited with its place."""
    excerpts = begin_excerpt_answer(structure, lines, turn.opening.numbers)
    excerpts.say(" ".join(said))
    excerpts.add(lines)
    if left:
        excerpts.say(ngettext("%(n)s more is left out.", "%(n)s more are left out.", left) % {"n": left})
    turn.placed = excerpts.placed
    turn.verifier.use(ExcerptCiter(excerpts))
    await _open(turn)
    title = str(structure.document)
    await turn.step(WHOLE_DOCUMENT_STEP, gettext("Read “%(title)s”; no model was asked") % {"title": title}, ms)
    await turn.store_sources()
    await turn.say(answer_sources.build_retrieved_event(turn))
    await generation.emit_text(turn, excerpts.text)
    await turn.verifier.sentences()


async def _ask_back(turn: Turn, meant: DocumentChoice) -> bool:
    await retrieval.check_question(turn)
    await _open(turn)
    names = [f"- {escape_markdown(_shown(document))}" for document in meant.several]
    if meant.more:
        names.append(f"- {ngettext('and %(n)s more', 'and %(n)s more', meant.more) % {'n': meant.more}}")
    await turn.step(WHOLE_DOCUMENT_STEP, gettext("Asked which document is meant"), 0.0)
    await generation.emit_text(turn, "\n".join([gettext("Which document do you mean? Write its name:"), "", *names]))
    return True


def _shown(document: Document) -> str:
    return (
        f"{document.title} ({document.name})" if document.title and document.title != document.name else document.name
    )


async def _open(turn: Turn) -> None:
    await turn.tell_others()
