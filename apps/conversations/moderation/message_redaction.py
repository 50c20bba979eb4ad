"""Redact terms in questions and answers, and restore them.

A redaction covers the message, its copies, the results of its tool calls, and titles made from it. Traces that may
repeat the terms are deleted for good; turn logs forget the answers, and open pages reload them.

Entry points: `redact`, `restore`, `redact_citing_answers`, `apply_pending_redactions`, `forget_messages`. Subjects of
cases are answers, also for the kind "question". Permission and audit entry belong to the review decision that calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.conversations.core import picture_request
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, RetractedMessage, RetrievedPassage
from apps.conversations.moderation import retraction
from apps.safety.gate import span_redaction
from apps.safety.models import AppliedEffect

TitleOrigin = Conversation.TitleOrigin
CITING_ANSWERS = "answers"
_SHOWN = timedelta(days=1)  # time after its end in which open pages or the turn log may hold an answer


def redact(kind: str, subject: str, wanted: Sequence[str]) -> dict[str, Any]:
    """Replace every occurrence of the terms `wanted` in the message and its copies with a placeholder.

    Return, per message id, what `restore` needs; {} if nothing matched. Must run inside the transaction of the review
    decision.
    """
    message = Message.objects.filter(pk=subject).select_related("parent").first()
    if message is not None and kind == retraction.QUESTION:
        message = message.parent
    if message is None or not span_redaction.find_terms(message.text, wanted):
        return {}
    found = retraction.lock_messages(partial(retraction.find_family, [message]))
    rows = _lock_rows(found)
    before = {str(row.pk): _cut(row, wanted) for row in rows}
    retraction.announce_change(rows, None)
    return before


def restore(before: dict[str, Any]) -> None:
    """Put the redacted text back. Messages that are retracted by now get it in the retracted content.

    Must run inside the transaction of the review decision.
    """
    rows = list(Message.objects.filter(pk__in=before).select_related("parent", "conversation"))
    for row in rows:
        saved = before[str(row.pk)]
        if row.retracted is None:
            restored = _restore_fields(row.text, row.tools, saved)
            Message.objects.filter(pk=row.pk).update(**restored)
            _restore_title(row, str(restored["text"]), saved.get("title", []))
        elif (retracted := RetractedMessage.objects.filter(pk=row.pk).first()) is not None:
            restored = _restore_fields(retracted.fields["text"], retracted.fields["tools"], saved)
            RetractedMessage.objects.filter(pk=row.pk).update(fields={**retracted.fields, **restored})
    retraction.announce_change([row for row in rows if row.retracted is None], None)


def redact_citing_answers(documents: Collection[UUID], wanted: Sequence[str]) -> dict[str, Any]:
    """Redact the terms in answers that were given passages of these documents, and in their tool results.

    Spellings of the terms are matched as in documents, and redacted as the answers spell them. Return, per message id,
    what `restore` needs. Must run inside the transaction of the review decision.
    """
    given = RetrievedPassage.objects.filter(source__document__in=documents).values("answer")
    cited = Citation.objects.filter(source__document__in=documents).values("answer")
    near = Message.objects.filter(Q(pk__in=given) | Q(pk__in=cited), retracted=None)
    pattern, forms = span_redaction.compile_terms(wanted), set[str]()
    retraction.lock_conversations(
        set(near.filter(status=Message.Status.WRITING).values_list("conversation", flat=True))
    )
    found = retraction.lock_messages(
        lambda: retraction.find_family(row for row in near.all() if _collect_spellings(row, pattern, forms))
    )
    wanted = [*wanted, *sorted(forms - set(wanted))]
    locked = _lock_rows(found)
    before = {str(row.pk): _cut(row, wanted) for row in locked}
    lately = near.filter(ended__gte=timezone.now() - _SHOWN).exclude(pk__in=found)  # their quotes may repeat the terms
    retraction.announce_change([*locked, *lately.select_related("parent", "conversation")], None)
    return before


def _collect_spellings(row: Message, pattern: re.Pattern[str], forms: set[str]) -> bool:
    """Return whether the message holds any term; add its spellings to `forms`."""
    found: set[str] = set(pattern.findall(row.text))

    def look(text: str) -> str:
        found.update(pattern.findall(text))
        return text

    _map_texts(row.tools, look)
    forms |= found
    return bool(found)


def apply_pending_redactions(answer: UUID, since: datetime) -> bool:
    """Redact in an answer just stored what was redacted elsewhere since it began. Return whether anything was.

    Call at the end of the transaction that stores it, after `retraction.lock_conversations`.
    """
    made = AppliedEffect.objects.filter(name="redact", state=AppliedEffect.State.APPLIED, decision__created__gte=since)
    cut = False
    for effect in made.exclude(restore_data={}):
        row = Message.objects.select_related("parent", "conversation").get(pk=answer)
        document = "wanted" in effect.restore_data
        beside, redactions = _get_answer_redactions(effect), dict[str, Any]()
        if Message.objects.filter(pk__in=list(beside), conversation=row.conversation_id).exists():
            AnswerTrace.objects.filter(answer=answer).delete()  # its prompt repeats the terms
        if document and _is_based_on(row, effect.restore_data["document"]):
            wanted, forms = effect.restore_data["wanted"], set[str]()
            _collect_spellings(row, span_redaction.compile_terms(wanted), forms)
            redactions[str(row.pk)], cut = _cut(row, [*wanted, *sorted(forms - set(wanted))]), True
        if redactions:
            _add_to_effect(effect, redactions)
    if cut:
        retraction.announce_change([row], None)
    return cut


def _get_answer_redactions(effect: AppliedEffect) -> dict[str, Any]:
    """Return the part of the effect that holds redactions of answers."""
    document = "wanted" in effect.restore_data
    found: dict[str, Any] = (
        effect.restore_data.setdefault("beside", {}).setdefault(CITING_ANSWERS, {}) if document else effect.restore_data
    )
    return found


def _add_to_effect(effect: AppliedEffect, redactions: dict[str, Any]) -> None:
    """Add the redactions of this answer to those stored with the effect."""
    row = AppliedEffect.objects.select_for_update(of=("self",)).get(pk=effect.pk)
    if row.restore_data:  # empty if the subject was deleted meanwhile
        _get_answer_redactions(row).update(redactions)
        AppliedEffect.objects.filter(pk=row.pk).update(restore_data=row.restore_data)


def _is_based_on(row: Message, document: str) -> bool:
    """Return whether the answer was given passages of a version of the document, or cites one."""
    of_it = Q(source__document=document) | Q(source__document__replaces=document)
    given = RetrievedPassage.objects.filter(of_it, answer=row).exists()
    return given or Citation.objects.filter(of_it, answer=row).exists()


def _lock_rows(found: Collection[UUID]) -> list[Message]:
    rows = Message.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=found, retracted=None)
    return list(rows.select_related("parent", "conversation"))


def forget_messages(gone: Collection[UUID]) -> None:
    """Delete the stored redactions of messages that are being deleted. Call inside the transaction of the deletion."""
    names = {str(pk) for pk in gone}
    for effect in AppliedEffect.objects.filter(name="redact").exclude(restore_data={}):
        left = {pk: saved for pk, saved in effect.restore_data.items() if pk not in names}
        if CITING_ANSWERS in left.get("beside", {}):  # redaction of a document, with answers that repeat it
            told = left["beside"][CITING_ANSWERS]
            left["beside"] = {**left["beside"], CITING_ANSWERS: {pk: told[pk] for pk in told if pk not in names}}
        if left != effect.restore_data:
            AppliedEffect.objects.filter(pk=effect.pk).update(restore_data=left)


def _cut(row: Message, wanted: Sequence[str]) -> dict[str, Any]:
    text, gaps = span_redaction.cut_spans(row.text, span_redaction.find_terms(row.text, wanted))
    cards: list[span_redaction.Redactions] = []
    tools = _map_texts(row.tools, partial(_redact_text, wanted, cards))
    over: dict[str, Any] = {}
    if row.status == Message.Status.WRITING:  # the process that writes it holds the text and would store it again
        over = {"status": Message.Status.INTERRUPTED, "lease_token": "", "lease_until": None}
    Message.objects.filter(pk=row.pk).update(text=text, tools=tools, **over)
    _drop_records(row)
    return {"gaps": gaps, "tools": cards, "title": _remove_title(row, text, wanted)}


def _redact_text(wanted: Sequence[str], redactions: list[span_redaction.Redactions], text: str) -> str:
    text, gaps = span_redaction.cut_spans(text, span_redaction.find_terms(text, wanted))
    redactions.append(gaps)
    return text


def _restore_fields(text: str, tools: list[Any], before: dict[str, Any]) -> dict[str, Any]:
    spans = iter(before["tools"])
    cards = _map_texts(tools, lambda redacted: span_redaction.restore_spans(redacted, next(spans, [])))
    return {"text": span_redaction.restore_spans(text, before["gaps"]), "tools": cards}


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return the JSON value with each text changed, always in the same order."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_texts(item, change) for item in value]
    return {key: _map_texts(value[key], change) for key in sorted(value)} if isinstance(value, dict) else value


def _remove_title(row: Message, text: str, wanted: Sequence[str]) -> span_redaction.Redactions:
    """Redact the terms in the title of the conversation, unless the user gave it; return the redacted spans."""
    conversation = Conversation.objects.get(pk=row.conversation_id)
    if conversation.title_origin == TitleOrigin.PERSON:
        return []
    title = _follow_question(conversation.title, row, text)
    title, gaps = span_redaction.cut_spans(title, span_redaction.find_terms(title, wanted))
    Conversation.objects.filter(pk=conversation.pk).update(title=title)
    return gaps


def _restore_title(row: Message, text: str, gaps: span_redaction.Redactions) -> None:
    conversation = Conversation.objects.get(pk=row.conversation_id)
    if conversation.title_origin != TitleOrigin.PERSON:
        title = _follow_question(span_redaction.restore_spans(conversation.title, gaps), row, text)
        Conversation.objects.filter(pk=conversation.pk).update(title=title)


def _follow_question(title: str, row: Message, text: str) -> str:
    """Return the title; if it is the first words of the question, those of its new text."""
    old = picture_request.make_title(row.text) if row.role == Message.Role.USER else ""
    if not old or not title.startswith(old):
        return title
    return (picture_request.make_title(text) + title.removeprefix(old))[
        : Conversation._meta.get_field("title").max_length
    ]


def _drop_records(row: Message) -> None:
    """Delete traces and reasoning of the message and of later answers of its conversation, for good.

    Their prompts and tokens repeat the redacted text.
    """
    later = Message.objects.answers().filter(conversation=row.conversation_id, created__gte=row.created)
    AnswerTrace.objects.filter(answer__in=later).delete()
    for answer in later.filter(usage__has_key="thoughts"):
        usage = {name: value for name, value in answer.usage.items() if name != "thoughts"}
        Message.objects.filter(pk=answer.pk).update(usage=usage)
