"""Answer a request about a whole document.

Entry points: `recognise_turn_request`, `reply_to_request`. A model that passed the reading check reads the document
(`model_reading.py`). Without such a model, an outline or a list is quoted from the document line by line; instead of a
summary, the answer says that it needs a capable model, and quotes the outline. If several documents may be meant, the
answer asks which. Comparisons are answered as questions, from passages of both sides.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from django.utils.translation import gettext, ngettext

from apps.conversations.assistants import answer_style
from apps.conversations.core.document_request import COMPARE, LIST, SUMMARY, DocumentRequest, recognise_request
from apps.conversations.core.turn_input import TurnInput
from apps.conversations.models import WHOLE_DOCUMENT_STEP
from apps.conversations.turns import generation, retrieval
from apps.conversations.turns.state import Turn
from apps.conversations.turns.whole_document import extracts
from apps.conversations.turns.whole_document.document_choice import DocumentChoice, find_document, readable_documents
from apps.conversations.turns.whole_document.excerpt_writer import ExcerptCiter, begin_excerpt_answer, escape_markdown
from apps.conversations.turns.whole_document.extracts import ExtractLine
from apps.conversations.turns.whole_document.model_reading import read_whole
from apps.conversations.turns.whole_document.structure import DocumentStructure, read_document
from apps.documents.models import Document
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db, in_pool

_POLL_S = 0.5  # seconds between reads of a document that is being ingested
_SEARCHED = 3  # documents of a search result that are searched for a list


def recognise_turn_request(turn: Turn) -> DocumentRequest | None:
    """Return the document request of the turn's message; None if it must be answered as a question.

    After an answer that asked which document is meant, the message may be the name of the document.
    """
    prepared = turn.input
    if prepared.without_documents or prepared.attached or prepared.text_so_far or prepared.text.startswith("/"):
        return None
    if (request := recognise_request(prepared.text, may_name=True)) is not None or not prepared.history:
        return request
    before = prepared.history[-1]
    asked = None if before.sources else recognise_request(before.question)
    if asked is None or asked.kind == COMPARE:
        return None
    words = tuple(prepared.text.split())
    return replace(asked, all_words=words, subject=(*asked.subject, *words))


async def reply_to_request(turn: Turn, request: DocumentRequest, files: retrieval.FileWait) -> bool:
    """Answer the request. Return False, with nothing emitted, if it must be answered as a question. Raise Withheld."""
    if request.kind == COMPARE:
        return False
    searched = files.update_scope(turn.input)
    choice = await _wait_for_document(searched, request)
    if request.kind == LIST and not await _passes_reading_check(turn):
        return await _reply_with_lists(turn, choice, files)
    if request.kind == LIST:
        return choice.document is not None and await read_whole(turn, choice.document)
    if not (choice.document or choice.options or choice.pending) or not (choice.is_named or request.is_certain):
        return False
    if any(not word.isdecimal() for word in choice.subject):
        return False  # the request is about a subject within the document
    if choice.pending is not None:
        title = {"title": escape_markdown(str(choice.pending))}
        words = gettext("“%(title)s” is still being read. Ask again when it is ready.") % title
        return await _reply_in_words(turn, gettext("A document is still being read"), words)
    if choice.document is None:
        return await _reply_in_words(turn, gettext("Asked which document is meant"), _ask_back(choice))
    reads_well = await _passes_reading_check(turn)
    if reads_well and await read_whole(turn, choice.document):
        return True
    return await _reply_with_outline(turn, request.kind, choice.document, reads_well)


async def _passes_reading_check(turn: Turn) -> bool:
    """Return whether the model has passed the reading check; False also if its server is unreachable."""
    with suppress(EngineError):
        return await answer_style.passes_reading_check((await turn.chat.info()).name, turn.input.model)
    return False


async def _wait_for_document(searched: TurnInput, request: DocumentRequest) -> DocumentChoice:
    """Return the document that is meant. A document that is being ingested is awaited for MAX_FILE_WAIT_S at most."""
    until = time.perf_counter() + retrieval.MAX_FILE_WAIT_S
    while (choice := await in_db(find_document, searched, request)).pending and time.perf_counter() < until:
        await asyncio.sleep(_POLL_S)
    return choice


async def _reply_in_words(turn: Turn, step: str, text: str) -> bool:
    """Emit the text of the product's own as the answer, below a step that says what was done."""
    await retrieval.check_question(turn)
    await turn.notify_pages()
    await turn.emit_step(WHOLE_DOCUMENT_STEP, step, 0.0)
    await generation.emit_text(turn, text)
    return True


async def _reply_with_outline(turn: Turn, kind: str, document: Document, reads_well: bool) -> bool:
    """Answer with the headings, each with its place. No summary is made without a model: the answer says why."""
    start = time.perf_counter()
    structure = await in_db(read_document, turn.input.user, document)
    lines, left = extracts.outline(structure)
    reason = ""
    if kind == SUMMARY and reads_well:
        reason = gettext("This document is too long for a summary.")
    elif kind == SUMMARY:
        reason = gettext("A summary needs a capable model, and none is available here.")
    if not lines:
        words = gettext("“%(title)s” has no headings for an outline. Ask about something in it.")
        text = f"{reason} {words % {'title': escape_markdown(str(document))}}".strip()
        return await _reply_in_words(turn, _describe_reading(document), text)
    await retrieval.check_question(turn)
    introduction = [part for part in (reason, _describe_origin(document), gettext("Its headings:")) if part]
    await _emit_excerpts(turn, structure, lines, introduction, left, (time.perf_counter() - start) * 1000)
    return True


async def _reply_with_lists(turn: Turn, choice: DocumentChoice, files: retrieval.FileWait) -> bool:
    """Answer with the lists named by the subject, in the meant document or in those that a search finds."""
    start = time.perf_counter()
    documents = [choice.document] if choice.document else await _search_documents(turn, files)
    for document in documents:
        structure = await in_db(read_document, turn.input.user, document)
        lines, left = await in_pool(extracts.list_entries, structure, choice.subject)
        if lines:
            await retrieval.check_question(turn)
            count = len(lines) + left
            heads = ngettext(
                "%(n)s entry from its lists, tables and headings:",
                "%(n)s entries from its lists, tables and headings:",
                count,
            )
            introduction = [_describe_origin(document), heads % {"n": count}]
            await _emit_excerpts(turn, structure, lines, introduction, left, (time.perf_counter() - start) * 1000)
            return True
    return False


async def _search_documents(turn: Turn, files: retrieval.FileWait) -> list[Document]:
    """Return the documents of the best passages, the best first."""
    turn.retrieved = found = await retrieval.retrieve_passages(turn, files)
    pks = list(dict.fromkeys(passage.document_id for passage in found.result.passages))[:_SEARCHED] if found else []

    def read() -> list[Document]:
        rows = readable_documents(files.update_scope(turn.input)).in_bulk(pks)
        return [rows[pk] for pk in pks if pk in rows]

    return await in_db(read)


def _describe_origin(document: Document) -> str:
    title = escape_markdown(str(document))
    return gettext("Quoted word for word from “%(title)s”; no model wrote this.") % {"title": title}


def _describe_reading(document: Document) -> str:
    return gettext("Read “%(title)s” without a model") % {"title": str(document)}


async def _emit_excerpts(
    turn: Turn, structure: DocumentStructure, lines: list[ExtractLine], introduction: list[str], left: int, ms: float
) -> None:
    """Emit sources and excerpt lines as the answer; each line is cited with its place. `left` lines are left out."""
    excerpts = begin_excerpt_answer(structure, lines, turn.input.numbers)
    excerpts.add_text(" ".join(introduction))
    excerpts.add(lines)
    if left:
        excerpts.add_text(ngettext("%(n)s more is left out.", "%(n)s more are left out.", left) % {"n": left})
    turn.sources.replace(excerpts.passages)
    turn.verifier.use_citer(ExcerptCiter(excerpts))
    await turn.notify_pages()
    await turn.emit_step(WHOLE_DOCUMENT_STEP, _describe_reading(structure.document), ms)
    await turn.sources.publish()
    await generation.emit_text(turn, excerpts.text)
    await turn.verifier.verify_new_sentences()


def _ask_back(choice: DocumentChoice) -> str:
    names = [f"- {escape_markdown(_format_name(document))}" for document in choice.options]
    if choice.further_count:
        names.append(
            f"- {ngettext('and %(n)s more', 'and %(n)s more', choice.further_count) % {'n': choice.further_count}}"
        )
    return "\n".join([gettext("Which document do you mean? Write its name:"), "", *names])


def _format_name(document: Document) -> str:
    return (
        f"{document.title} ({document.name})" if document.title and document.title != document.name else document.name
    )
