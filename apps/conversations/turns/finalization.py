"""Closes a turn: whatever it has goes into its row in one transaction, once, by whoever holds its lease."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.conversations.evidence.source_numbering import NumberedPassage, save_sources
from apps.conversations.grounding.citer import SentenceCitation
from apps.conversations.grounding.sentence_state import CHECK_VERSION
from apps.conversations.models import Citation, Conversation, Message, Source, Trace
from apps.conversations.moderation import cases, findings, redaction, retraction, withheld_notice, withheld_records
from apps.conversations.tools import call_cards
from apps.conversations.turns import context_usage, trace
from apps.conversations.turns.state import Turn
from apps.engines import registry
from apps.lib.db import advisory_locks, leases
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource

_BEFORE = timedelta(minutes=1)  # that what a turn begins with is read before it begins, at most


class FinishOutcome(Enum):
    LOST = 0  # someone else had closed it, and nothing changed
    KEPT = 1
    CUT = 2  # a part was taken out since it had been read: what was shown of it is not what is kept


@dataclass(frozen=True, slots=True)
class FinalTurnState:
    """What is kept of a turn."""

    conversation: UUID
    answer: UUID
    lease: str
    fields: dict[str, Any]  # of the answer's row
    placed: tuple[NumberedPassage, ...]  # sources not stored yet
    cites: tuple[SentenceCitation, ...]
    trace: dict[str, Any]  # what lies behind it
    judged: tuple[EvaluationRecord, ...]  # what the gate withheld, or let through and yet pointed out
    user: User  # who asked
    tokens: int  # that the model read and wrote
    since: datetime  # what reviewers decided from then on, it may not know of


def snapshot_turn(turn: Turn, status: Message.Status, reason: str) -> FinalTurnState:
    """What is kept of that turn, as it is now."""
    opening = turn.opening
    usage: dict[str, Any] = {key: round(value, 1) for key, value in turn.timings.items()}
    if turn.usage is not None:
        usage |= asdict(turn.usage)
    if turn.model and len(registry.list_chat_models()) > 1:
        usage["writer"] = turn.writer
    if turn.window is not None:
        usage["window"] = context_usage.make_usage_record(turn.window)
    if turn.thoughts:
        usage["thoughts"] = len(turn.thoughts)
    usage |= withheld_notice.make_notice_record(turn.judged)  # also says whether what was asked may be shown by a link
    if turn.unread_languages:
        usage["unread_languages"] = turn.unread_languages
    if turn.finish:
        usage["finish"] = turn.finish
    usage["safety"] = str(turn.level)
    if turn.model:
        usage["sampling"] = turn.sampled or opening.sampling.record()
    fields = {
        "status": status, "reason": reason[:400], "text": turn.text, "style": turn.style, "shows": turn.shows,
        "model": turn.model,
        "links": list(turn.renderer.links.used),
        "nothing_found": turn.nothing is not None, "usage": usage,
        "quotes": [quote.record() for quote in turn.quotes],
        "tools": [call_cards.make_record(call) for call in turn.made.values()],
        "steps": [
            {**asdict(step), **({"nothing": turn.nothing} if step.name == "search" and turn.nothing else {})}
            for step in turn.steps.values()
        ],
    }  # fmt: skip
    placed = () if turn.stored else tuple(turn.placed)
    cites = tuple(turn.cites)
    return FinalTurnState(
        opening.conversation, opening.answer, opening.lease, fields, placed, cites, trace.record_turn(turn),
        findings.list_findings(turn), opening.user, turn.used,
        timezone.now() - timedelta(seconds=time.perf_counter() - turn.started) - _BEFORE,
    )  # fmt: skip


@advisory_locks.retry_on_deadlock
def finish_turn(closing: FinalTurnState) -> FinishOutcome:
    """The answer is closed, unless somebody else had closed it, and holds nothing that was taken back meanwhile. For
    `in_db`."""
    running = Message.objects.filter(status=Message.Status.WRITING)
    with transaction.atomic():
        # Else a decision about a document that is being stored now, and this, would see nothing of each other.
        advisory_locks.lock_shared(advisory_locks.REDACTION_KEY)
        retraction.lock_conversations([closing.conversation])
        if not leases.release(running, closing.answer, closing.lease, ended=timezone.now(), **closing.fields):
            return FinishOutcome.LOST
        if closing.placed:
            save_sources(closing.conversation, closing.answer, closing.placed)
        if closing.cites:
            _cite(closing)
        Trace.objects.create(answer_id=closing.answer, data=trace.pack_trace(closing.trace))
        for judged in closing.judged:
            cases.open_case(closing.answer, closing.user.pk, judged)
        Conversation.objects.filter(pk=closing.conversation).update(changed=timezone.now())
        rate_limits.charge(closing.user, LimitedResource.TOKENS, closing.tokens)
        retraction.announce_change(withheld_records.find_changed_notices(closing.conversation, closing.since), None)
        cut = redaction.apply_pending_redactions(closing.answer, closing.since)
    return FinishOutcome.CUT if cut else FinishOutcome.KEPT


def _cite(closing: FinalTurnState) -> None:
    numbers = dict(Source.objects.filter(conversation=closing.conversation).values_list("number", "pk"))
    Citation.objects.bulk_create(
        Citation(
            answer_id=closing.answer, sentence=cite.sentence, start=cite.start, end=cite.end,
            source_id=None if cite.source is None else numbers[cite.source],
            source_start=cite.source_start, source_end=cite.source_end, score=cite.score,
            tool=cite.tool, quoted=cite.quoted, check_version=CHECK_VERSION,
        )
        for cite in closing.cites
    )  # fmt: skip
