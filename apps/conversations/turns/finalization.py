"""Close a turn: store its answer, sources, citations, trace and cases in one transaction.

Entry points: `snapshot_turn` collects the values, `finish_turn` writes them if the process still holds the lease.
"""

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
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, Source
from apps.conversations.moderation import cases, findings, redaction, retraction, withheld_notice, withheld_records
from apps.conversations.tools import call_cards
from apps.conversations.turns import context_usage, trace
from apps.conversations.turns.state import Turn
from apps.engines import registry
from apps.lib.db import advisory_locks, leases
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users import rate_limits
from apps.users.models import User, UserNotice
from apps.users.models.rate_limit import LimitedResource
from apps.users.notices import notify_users

LONG_ANSWER_S = 30  # seconds after which users are told that an answer is ready, since they may have gone elsewhere
_MARGIN = timedelta(minutes=1)  # margin: rows that a turn begins with may be read so long before it starts


class FinishOutcome(Enum):
    """Result of `finish_turn`."""

    LOST = 0  # another process had closed the answer; nothing changed
    KEPT = 1
    CUT = 2  # a part was redacted while the turn ran, so the stored answer differs from the streamed one


@dataclass(frozen=True, slots=True)
class FinalTurnState:
    """Values of a finished turn, as `finish_turn` stores them."""

    conversation: UUID
    answer: UUID
    lease: str
    fields: dict[str, Any]  # of the answer's row
    placed: tuple[NumberedPassage, ...]  # sources that are not stored yet
    cites: tuple[SentenceCitation, ...]
    trace: dict[str, Any]  # see `trace.record_turn`
    judged: tuple[EvaluationRecord, ...]  # verdicts of the gate: withheld, or let through and reported
    user: User  # who asked
    tokens: int  # that the model read and wrote
    since: datetime  # review decisions after this moment may be unknown to the turn


def snapshot_turn(turn: Turn, status: Message.Status, reason: str) -> FinalTurnState:
    """Return the values to store of the turn, as of now. `reason` is cut to 400 characters."""
    opening = turn.opening
    fields = {
        "status": status, "reason": reason[:400], "text": turn.text, "style": turn.style, "shows": turn.shows,
        "model": turn.model,
        "links": list(turn.renderer.links.used),
        "nothing_found": turn.nothing is not None, "usage": _make_usage(turn),
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
        timezone.now() - timedelta(seconds=time.perf_counter() - turn.started) - _MARGIN,
    )  # fmt: skip


def _make_usage(turn: Turn) -> dict[str, Any]:
    """Return what `Message.usage` stores of the turn: times in ms, tokens, settings and verdicts."""
    opening = turn.opening
    usage: dict[str, Any] = {key: round(value, 1) for key, value in turn.timings.items()}
    if turn.usage is not None:
        usage |= asdict(turn.usage)
    if turn.model and len(registry.list_chat_models()) > 1:
        usage["writer"] = turn.writer
    if opening.compared:
        usage["assistant"] = opening.assistant.name
    if turn.window is not None:
        usage["window"] = context_usage.make_usage_record(turn.window)
    if turn.thoughts:
        usage["thoughts"] = len(turn.thoughts)
    usage |= withheld_notice.make_notice_record(turn.judged)  # shared links read it too
    if turn.unread_languages:
        usage["unread_languages"] = turn.unread_languages
    if turn.finish:
        usage["finish"] = turn.finish
    usage["safety"] = str(turn.level)
    if turn.model:
        usage["sampling"] = turn.sampled or opening.sampling.record()
    return usage


@advisory_locks.retry_on_deadlock
def finish_turn(closing: FinalTurnState) -> FinishOutcome:
    """Close the answer and store everything that belongs to it, in one transaction. For `in_db`.

    Return LOST, with nothing changed, if another process closed it; CUT if reviewers redacted parts meanwhile, which
    are then redacted here too. Tokens are charged to the user. Retried on deadlock.
    """
    running = Message.objects.filter(status=Message.Status.WRITING)
    with transaction.atomic():
        # Without the shared lock, a redaction stored at the same moment and this turn would miss each other.
        advisory_locks.lock_shared(advisory_locks.REDACTION_KEY)
        retraction.lock_conversations([closing.conversation])
        if not leases.release(running, closing.answer, closing.lease, ended=timezone.now(), **closing.fields):
            return FinishOutcome.LOST
        if closing.placed:
            save_sources(closing.conversation, closing.answer, closing.placed)
        if closing.cites:
            _save_citations(closing)
        AnswerTrace.objects.create(answer_id=closing.answer, data=trace.pack_trace(closing.trace))
        for judged in closing.judged:
            cases.open_case(closing.answer, closing.user.pk, judged)
        Conversation.objects.filter(pk=closing.conversation).update(changed=timezone.now())
        rate_limits.charge(closing.user, LimitedResource.TOKENS, closing.tokens)
        retraction.announce_change(withheld_records.find_changed_notices(closing.conversation, closing.since), None)
        cut = redaction.apply_pending_redactions(closing.answer, closing.since)
        _notify_long_answer(closing)
    return FinishOutcome.CUT if cut else FinishOutcome.KEPT


def _notify_long_answer(closing: FinalTurnState) -> None:
    """Tell the user of an answer that took LONG_ANSWER_S or more; a page that shows it dismisses the notice."""
    status = closing.fields["status"]
    long = timezone.now() - closing.since - _MARGIN >= timedelta(seconds=LONG_ANSWER_S)
    if not long or status not in (Message.Status.COMPLETE, Message.Status.FAILED):
        return
    title = str(Conversation.objects.only("title").get(pk=closing.conversation))
    failed = {"failed": True} if status == Message.Status.FAILED else {}
    notify_users([closing.user.pk], UserNotice.Kind.ANSWER, closing.conversation, title, **failed)


def _save_citations(closing: FinalTurnState) -> None:
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
