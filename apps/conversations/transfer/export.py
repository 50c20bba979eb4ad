"""Export a conversation: as JSON with all branches, or as Markdown along one path.

Sources that the reader may no longer open are not named. Every export declares that a model wrote its answers. The gate
may withhold parts at the stage EXPORT, which are then replaced by their clause. In a copy of one's own data, only
answers to other users are withheld.

Entry points: `export_conversation`, `render_markdown`, `render_answer_markdown`, `withhold_answers`,
`withhold_pictures`. They need a database thread, no transaction, and a caller that checks that the user may read the
conversation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from apps.conversations.attachments import queries
from apps.conversations.core.attached_picture import AttachedPictureView
from apps.conversations.core.message_tree import Exchange, find_path
from apps.conversations.disclosure import outbound_check
from apps.conversations.disclosure.outbound_check import WithholdReason
from apps.conversations.evidence.answer_sources import AnswerSources, load_answer_sources
from apps.conversations.evidence.source_list import NEAREST_NOTICE, SourceView
from apps.conversations.history import trace_view
from apps.conversations.history.transcript import load_citations
from apps.conversations.image_chat import tiles as tiled
from apps.conversations.image_chat.tiles import Tile
from apps.conversations.models import Conversation, Message, ShownSentences
from apps.conversations.rendering.answer_renderer import keep_verified
from apps.conversations.rendering.citation_marks import (
    describe_comparison,
    describe_state,
    explain_unread_languages,
    group_by_sentence,
)
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import SentenceState, get_sentence_state
from apps.lib.text.sentences import CITATION_MARK
from apps.safety.policy.schema import Stage
from apps.users.i18n import lower_label, translate_stored
from apps.users.models import User

FORMAT_NAME = "openbook-conversation/1"
DISCLOSURE = gettext_noop(
    "The answers were written by a language model or quoted from documents. The number after a sentence is the "
    "passage that supports it; [not verified] marks a sentence without such a passage, and may name the nearest one to "
    "compare with; [contradicted] one of which a passage says otherwise. Check important facts against the sources."
)
# IPTC term for content made by a trained model, which other programs read.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_BY_MODEL = {"written_by": "language model", "digital_source_type": SOURCE_TYPE}
UNGROUNDED_NOTICE = gettext_noop("Written without documents; nothing here was checked.")
REASONING_NOTICE = "What the model thought before it answered: no part of the answer, and checked against nothing."
OWN_COPY_NOTICE = "It is here all the same: a copy of one's own data is complete, whatever may be shown to others."
_CALL = ("tool", "title", "arguments", "status", "words", "text", "sources", "ms")
_HEADING = 200  # characters of a question that is used as a heading
_FENCE = re.compile(r"(^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
_HINTS = re.compile(rf"{CITATION_MARK}+")


def export_conversation(user: User, conversation: Conversation, *, own: bool = False) -> dict[str, Any]:
    """Return all messages of all branches as JSON values, and the ids of the remembered path; `own`: for the owner."""
    messages = list(conversation.messages.all())
    answers = [row for row in messages if row.role == Message.Role.ASSISTANT]
    sources = load_answer_sources(user, answers)
    citations = load_citations([row for row in answers if not row.retracted])
    thoughts = trace_view.load_reasoning(answers)
    extra_texts = {
        row.pk: [*_get_quotes(sources[row.pk]), *_get_calls(row), thoughts.get(row.pk, "")] for row in answers
    }
    reasons = outbound_check.check_answers(Stage.EXPORT, conversation.owner_id, answers, extra_texts)
    kept_whole = reasons.keys() - _find_foreign_copies(user, answers) if own else frozenset()
    for row in answers:
        if row.pk in reasons.keys() - kept_whole:
            outbound_check.blank_message(row, reasons)
            sources[row.pk] = AnswerSources()
            thoughts.pop(row.pk, None)
    tiles = tiled.load_tiles(answers) if own else outbound_check.check_pictures(Stage.EXPORT, tiled.load_tiles(answers))
    attached = queries.load_by_question(row.pk for row in messages if row.role == Message.Role.USER)
    attached = attached if own else outbound_check.check_attachments(Stage.EXPORT, attached)
    messages_of_path = [row for item in find_path(messages) for row in (item.question, item.answer) if row]
    return {
        "format": FORMAT_NAME,
        "disclosure": DISCLOSURE,
        "digital_source_type": SOURCE_TYPE,
        "title": str(conversation) if own else get_export_title(conversation),
        "tags": conversation.tag_list,
        "created": conversation.created.isoformat(),
        "exported": timezone.now().isoformat(),
        "path": [str(row.pk) for row in messages_of_path],
        "messages": [
            _export_answer(row, sources[row.pk], citations.get(row.pk, []), tiles.get(row.pk, ()), thoughts)
            | _export_verdict(reasons.get(row.pk), is_own_copy=row.pk in kept_whole)
            if row.pk in sources
            else _export_message(row) | {"attached": queries.export_pictures(attached.get(row.pk, ()))}
            for row in messages
        ],
    }


def get_export_title(conversation: Conversation) -> str:
    """Return the title of an export; a neutral one if the gate withholds it."""
    return outbound_check.check_title(Stage.EXPORT, conversation) or gettext("Conversation")


def withhold_answers(user: User, conversation: Conversation, path: Sequence[Exchange]) -> dict[UUID, AnswerSources]:
    """Blank the answers in memory that the gate withholds; return the sources of each answer by id."""
    answers = [item.answer for item in path if item.answer]
    sources = load_answer_sources(user, answers)
    reasons = outbound_check.check_answers(
        Stage.EXPORT, conversation.owner_id, answers, {pk: _get_quotes(one) for pk, one in sources.items()}
    )
    for row in answers:
        outbound_check.blank_message(row, reasons)
    return {pk: AnswerSources() if pk in reasons else one for pk, one in sources.items()}


def withhold_pictures(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the turns of a print page, without pictures that the gate withholds."""
    for turn in turns:
        answer, question = turn["answer"], turn["question"]
        answer["pictures"] = outbound_check.check_pictures(Stage.EXPORT, {answer["id"]: answer["pictures"] or ()})[
            answer["id"]
        ]
        question["attached"] = outbound_check.check_attachments(Stage.EXPORT, {question["id"]: question["attached"]})[
            question["id"]
        ]
    return turns


def render_markdown(
    user: User, conversation: Conversation, path: Sequence[Exchange], *, unverified: bool = False
) -> str:
    """Return the path as Markdown, in the active language; with `unverified`, also sentences that pages fold."""
    sources = withhold_answers(user, conversation, path)
    answers = [item.answer for item in path if item.answer]
    citations = load_citations(answers)
    tiles = outbound_check.check_pictures(Stage.EXPORT, tiled.load_tiles(answers))
    attached = outbound_check.check_attachments(
        Stage.EXPORT, queries.load_by_question(item.question.pk for item in path)
    )
    parts = [f"# {_format_line(get_export_title(conversation))}", f"> {gettext(DISCLOSURE)}"]
    for item in path:
        if item.answer:
            parts += _format_question(item.question)
            parts += [_format_attachment(one) for one in attached.get(item.question.pk, ())]
            found = citations.get(item.answer.pk, [])
            parts += _format_answer(item.answer, sources[item.answer.pk], found, unverified=unverified)
            parts += [_format_tile(tile) for tile in tiles.get(item.answer.pk, ())]
    return "\n\n".join(parts) + "\n"


def render_answer_markdown(user: User, answer: Message) -> str:
    """Return the answer as Markdown with its quotes, numbers and sources, in the active language, without sentences
    that pages fold."""
    path = [item for item in find_path(answer.conversation.messages.all(), answer.pk) if item.answer == answer]
    sources = withhold_answers(user, answer.conversation, path)
    citations = load_citations([answer])
    return "\n\n".join(
        part
        for item in path
        if item.answer
        for part in _format_answer(item.answer, sources[answer.pk], citations.get(answer.pk, []))
    )


def insert_citation_numbers(
    text: str, citations: Sequence[SentenceCitation], unavailable: frozenset[int], shown_numbers: Mapping[int, int]
) -> str:
    """Return the answer with the numbers of verified passages, as `shown_numbers`, in place of the model's citations.

    Unverified sentences end with [not verified], and the passage to compare with; sentences supported by a tool, with
    its title.
    """
    ends: dict[int, tuple[int, list[int]]] = {}
    tools = {cite.end: translate_stored(cite.tool) for cite in citations if cite.tool}
    missing = {
        cite.end: _mark_unverified(cite, unavailable, shown_numbers) for cite in citations if not cite.is_verified
    }
    for cite in citations:
        numbers = ends.setdefault(cite.end, (cite.start, []))[1]
        if cite.source is not None:
            numbers.append(cite.source)
    pieces, at = [], 0
    for end, (start, numbers) in sorted(ends.items()):
        sentence = _HINTS.sub("", text[start:end])
        marks = "".join(f"[{shown_numbers.get(number, number)}]" for number in numbers if number not in unavailable)
        if not numbers:
            marks = f"[{tools[end]}]" if end in tools else missing[end]
        pieces += [text[at:start], sentence.rstrip(), f" {marks}" if marks else ""]
        pieces.append(sentence[len(sentence.rstrip()) :])
        at = end
    return _escape_images("".join([*pieces, text[at:]]))


def _mark_unverified(cite: SentenceCitation, unavailable: frozenset[int], shown_numbers: Mapping[int, int]) -> str:
    state = get_sentence_state([cite]) or SentenceState.UNVERIFIED
    number = cite.compared
    if number is None or number in unavailable:
        return f"[{describe_state(state)}]"
    shown = shown_numbers.get(number, number)
    if state is SentenceState.CONTRADICTED:
        return f"[{describe_comparison(state, shown)}]"
    return f"[{describe_state(state)}, {describe_comparison(state, shown)}]"


def _export_verdict(reasons: WithholdReason | None, *, is_own_copy: bool) -> dict[str, Any]:
    if reasons is None:
        return {}
    verdict = {"stage": Stage.EXPORT.value, "clause": reasons.code, "withheld": not is_own_copy}
    return {
        "verdict": verdict | {"why": OWN_COPY_NOTICE if is_own_copy else reasons.text},
        **({} if is_own_copy else {"retracted": None}),
    }


def _get_quotes(sources: AnswerSources) -> list[str]:
    return [quote.text for quote in sources.quotes]


def _get_calls(row: Message) -> list[str]:
    """Return, per tool call, its arguments and result as text."""
    calls = ((*item.get("arguments", {}).values(), item.get("words", ""), item.get("text", "")) for item in row.tools)
    return ["\n".join(str(said) for said in call if said) for call in calls]


def _find_foreign_copies(user: User, answers: Sequence[Message]) -> set[UUID]:
    """Return the ids of copied answers whose original was asked by another user."""
    origins = {row.origin: row.pk for row in answers if row.origin}
    others = Message.objects.filter(pk__in=origins).exclude(asked_by=user)
    return {origins[pk] for pk in others.values_list("pk", flat=True)}


def _export_message(row: Message) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "parent": str(row.parent_id) if row.parent_id else None,
        "role": row.role,
        "text": row.text,
        "created": row.created.isoformat(),
        "edited": row.edited.isoformat() if row.edited else None,
        "retracted": row.retracted.isoformat() if row.retracted else None,
    }


def _export_answer(
    row: Message,
    sources: AnswerSources,
    citations: Sequence[SentenceCitation],
    tiles: Sequence[Tile],
    thoughts: Mapping[UUID, str],
) -> dict[str, Any]:
    sentences: dict[int, dict[str, Any]] = {}
    states = {number: get_sentence_state(found) for number, found in group_by_sentence(citations).items()}
    for cite in citations:
        known: dict[str, Any] = {"start": cite.start, "end": cite.end, "state": states[cite.sentence], "sources": []}
        found = sentences.setdefault(cite.sentence, known)
        if cite.source is not None and cite.source not in sources.unavailable:
            found["sources"].append({"number": cite.source, "support": cite.score})
        if cite.compared is not None and cite.compared not in sources.unavailable:
            found["compare_with"] = cite.compared
        if cite.checked_by:
            found["checked_by"] = cite.checked_by
    return {
        **_export_message(row),
        **({"written_by": "no model"} if row.without_model else _BY_MODEL),
        "model": row.model,
        "status": row.status,
        "reason": row.reason,
        **({"thoughts": {"text": text, "note": REASONING_NOTICE}} if (text := thoughts.get(row.pk)) else {}),
        "without_documents": row.without_documents,
        **({} if row.grounded else {"grounded": False}),
        **({"note": UNGROUNDED_NOTICE} if row.unchecked else {}),
        "shows": row.shown_sentences or ShownSentences.ALL,
        "unread_languages": row.unread_languages if row.text else [],
        "nothing_found": row.nothing_found,
        "tools": [{name: item[name] for name in _CALL if name in item} for item in row.tools],
        "quotes": [{"source": quote.number, "text": quote.text} for quote in sources.quotes],
        "sentences": list(sentences.values()),
        "pictures": tiled.export_tiles(tiles),
        "sources": [
            _export_source(item, item.number in sources.used) for item in sources.sources if not item.unavailable
        ],
    }


def _export_source(item: SourceView, used: bool) -> dict[str, Any]:
    return {
        "number": item.number,
        "shown": item.shown_number,
        "title": item.title,
        "page": item.page,
        "heading": item.heading,
        "used": used,
    }


def _format_answer(
    answer: Message, sources: AnswerSources, citations: Sequence[SentenceCitation], *, unverified: bool = False
) -> list[str]:
    by = gettext("Answer without a language model") if answer.without_model else gettext("Answer by a language model")
    if answer.model:
        by = gettext("Answer by a language model %(model)s") % {"model": answer.model}
    how = "" if answer.status == Message.Status.COMPLETE else f", {lower_label(answer.get_status_display())}"
    parts = [f"*{by}, {answer.created:%Y-%m-%d %H:%M} UTC{how}*"]
    if answer.nothing_found and sources.quotes:
        parts.append(gettext(NEAREST_NOTICE))
    parts += [f"> {_format_line(quote.text)} [{quote.shown_number}]" for quote in sources.quotes]
    if answer.text and answer.unchecked:
        parts.append(f"**{gettext(UNGROUNDED_NOTICE)}**")
    text, citations = answer.text, list(citations)
    if answer.shown_sentences == ShownSentences.VERIFIED and not unverified:
        text, citations = keep_verified(text, citations)
    if text:
        parts.append(insert_citation_numbers(text, citations, sources.unavailable, sources.numbers).strip())
    if answer.text and (unread := explain_unread_languages(answer.unread_languages)):
        parts.append(f"*{unread}*")
    if answer.retracted:
        parts.append(translate_stored(answer.reason))
    if answer.nothing_found and not sources.quotes:
        parts.append(gettext("Nothing about this was found in the documents."))
    used = [item for item in sources.sources if item.number in sources.used]
    if used:
        listed = "\n".join(_format_source(item) for item in sorted(used, key=lambda item: item.shown_number))
        parts.append(f"{gettext('Sources')}:\n\n{listed}")
    return parts


def _format_attachment(item: AttachedPictureView) -> str:
    if item.held:
        return f"- {gettext('Attached picture: held for review')}"
    title = gettext("Attached picture: %(name)s") % {"name": _format_line(item.name)}
    text = gettext("text recognised in it: %(text)s") % {"text": _format_line(item.text)} if item.text else ""
    return f"- {title}, {item.width} × {item.height}" + (f"; {text}" if text else "")


def _format_tile(tile: Tile) -> str:
    row = tile.row
    if tile.withhold_reason:
        return f"- {gettext('Picture')}: {_format_line(tile.withhold_reason)}"
    how = "" if row.status == row.Status.READY else f" ({lower_label(row.get_status_display())})"
    by = gettext("created by %(model)s, seed %(seed)s") % {"model": row.model, "seed": row.seed}
    return f"- {gettext('Picture')}{how}: {_format_line(row.prompt)}; {by}, {row.width} × {row.height}"


def _format_source(item: SourceView) -> str:
    if item.unavailable:
        return f"- [{item.shown_number}] {gettext('no longer available')}"
    page = gettext("page %(page)s") % {"page": item.page} if item.page else ""
    return f"- [{item.shown_number}] {_format_line(item.title)}" + (f", {page}" if page else "")


def _format_question(question: Message) -> list[str]:
    if question.retracted:
        return [f"## {gettext('Question withheld by a reviewer')}"]
    if len(question.text) <= _HEADING:
        return [f"## {_format_line(question.text)}"]
    return [f"## {gettext('Question')}", "\n".join(f"> {line}" for line in question.text.splitlines())]


def _format_line(text: str) -> str:
    return _escape_images(" ".join(text.split()))


def _escape_images(text: str) -> str:
    """Return the text with image syntax escaped outside code: a viewer would fetch images from any address."""
    parts = _FENCE.split(text)
    return "".join(part if number % 2 else part.replace("![", "!\\[") for number, part in enumerate(parts))
