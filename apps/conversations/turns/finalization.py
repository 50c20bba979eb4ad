"""Close a turn: store its answer, sources, citations, trace and cases in one transaction.

Entry points: `snapshot_turn` collects the values, `finish_turn` writes them if the process still holds the lease.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.evidence.source_numbering import save_sources
from apps.conversations.models import AnswerTrace, Citation, Conversation, Message, Source
from apps.conversations.moderation import (
    message_cases,
    message_redaction,
    retraction,
    withheld_notice,
)
from apps.conversations.tools import call_cards
from apps.conversations.turns import trace
from apps.conversations.turns.state import Turn
from apps.conversations.turns.step_results import Verified, Written
from apps.engines import registry
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import CHECK_VERSION
from apps.lib.db import advisory_locks, leases
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users import rate_limits, usage
from apps.users.models import User, UserNotice
from apps.users.models.rate_limit import LimitedResource
from apps.users.notices import notify_users

LONG_ANSWER_S = 30  # seconds after which users are told that an answer is ready, since they may have gone elsewhere
_MARGIN = timedelta(minutes=1)  # margin: rows that a turn begins with may be read so long before it starts


class FinishOutcome(Enum):
    """Result of `finish_turn`."""

    LOST = 0  # another process had closed the answer; nothing changed
    SAVED = 1
    REDACTED = 2  # a part was redacted while the turn ran, so the stored answer differs from the streamed one


@dataclass(frozen=True, slots=True)
class FinalTurnState:
    """Values of a finished turn, as `finish_turn` stores them."""

    conversation_id: UUID
    answer_id: UUID
    lease: str
    fields: dict[str, Any]  # of the answer's row
    passages: tuple[NumberedPassage, ...]  # sources that are not stored yet
    citations: tuple[SentenceCitation, ...]
    trace: dict[str, Any]  # see `trace.record_turn`
    verdicts: tuple[EvaluationRecord, ...]  # verdicts of the gate: withheld, or let through and reported
    user: User  # who asked
    tokens: int  # that the model read and wrote
    began_after: datetime  # review decisions after this moment may be unknown to the turn


def snapshot_turn(turn: Turn, status: Message.Status, reason: str) -> FinalTurnState:
    """Return the values to store of the turn, as of now. `reason` is cut to 400 characters."""
    prepared, presented, written, verified = turn.input, turn.presented, turn.written, turn.verified
    no_results = presented.no_results
    fields = {
        "status": status, "reason": reason[:400], "text": written.text, "style": presented.style or "",
        "shown_sentences": presented.shown_sentences or "", "model": turn.model,
        "links": list(turn.answer.renderer.links.used_links),
        "nothing_found": no_results is not None, "usage": _make_usage(turn, written, verified),
        "quotes": [quote.record() for quote in presented.quotes],
        "tools": [call_cards.make_record(call) for call in turn.calls.records.values()],
        "steps": [
            {"name": step.name, "words": step.text, "ms": step.ms}
            | ({"nothing": no_results} if step.name == "search" and no_results else {})
            for step in turn.progress.steps.values()
        ],
    }  # fmt: skip
    passages = () if turn.sources.is_stored else turn.passages
    recorded = trace.record_turn(
        turn.input, timings=turn.progress.timings, retrieved=turn.retrieved, prompted=turn.prompted,
        passages=turn.passages, tool_lines=turn.sources.tool_lines, written=written, verified=verified,
        verdicts=turn.findings.make_trace_records(),
    )  # fmt: skip
    return FinalTurnState(
        prepared.conversation_id, prepared.answer_id, prepared.lease, fields, passages, verified.citations,
        recorded, turn.findings.list_all(), prepared.user, turn.tokens_used,
        timezone.now() - timedelta(milliseconds=turn.progress.elapsed_ms) - _MARGIN,
    )  # fmt: skip


def _make_usage(turn: Turn, written: Written, verified: Verified) -> dict[str, Any]:
    """Return what `Message.usage` stores of the turn: times in ms, tokens, settings and verdicts."""
    prepared = turn.input
    usage: dict[str, Any] = {name: round(value, 1) for name, value in turn.progress.timings.items()}
    if turn.calls.asking_ms:
        usage["asking"] = round(turn.calls.asking_ms, 1)
    if written.usage is not None:
        usage |= asdict(written.usage)
    if turn.model and len(registry.list_chat_models()) > 1:
        usage["writer"] = turn.model_name
    if prepared.is_comparison:
        usage["assistant"] = prepared.assistant.name
    if turn.presented.window is not None:
        usage["window"] = asdict(turn.presented.window)
    if written.reasoning:
        usage["thoughts"] = len(written.reasoning)
    usage |= withheld_notice.make_notice_record(turn.findings.withheld_by)  # shared links read it too
    if verified.unread_languages:
        usage["unread_languages"] = list(verified.unread_languages)
    if written.finish_reason:
        usage["finish"] = written.finish_reason
    usage["safety"] = str(turn.strictness)
    if turn.prompted is not None:
        usage["sampling"] = turn.prompted.sampling_used or prepared.sampling.record()
    return usage


@advisory_locks.retry_on_deadlock
def finish_turn(final: FinalTurnState) -> FinishOutcome:
    """Close the answer and store everything that belongs to it, in one transaction. For `in_db`.

    Return LOST, with nothing changed, if another process closed it. Return REDACTED if reviewers redacted parts
    meanwhile, which are then redacted here too. Tokens are charged to the user. Retried on deadlock.
    """
    running = Message.objects.filter(status=Message.Status.WRITING)
    with transaction.atomic():
        # Without the shared lock, a redaction stored at the same moment and this turn would miss each other.
        advisory_locks.lock_shared(advisory_locks.REDACTION_KEY)
        retraction.lock_conversations([final.conversation_id])
        if not leases.release(running, final.answer_id, final.lease, ended=timezone.now(), **final.fields):
            return FinishOutcome.LOST
        if final.passages:
            save_sources(final.conversation_id, final.answer_id, final.passages)
        if final.citations:
            _save_citations(final)
        AnswerTrace.objects.create(answer_id=final.answer_id, data=trace.pack_trace(final.trace))
        for evaluation in final.verdicts:
            message_cases.open_case(final.answer_id, final.user.pk, evaluation)
        Conversation.objects.filter(pk=final.conversation_id).update(changed=timezone.now())
        rate_limits.charge(final.user, LimitedResource.TOKENS, final.tokens)
        usage.record_usage(final.user, model=final.fields["model"], questions=1, tokens=final.tokens)
        cut = message_redaction.apply_pending_redactions(final.answer_id, final.began_after)
        _notify_long_answer(final)
    return FinishOutcome.REDACTED if cut else FinishOutcome.SAVED


def _notify_long_answer(final: FinalTurnState) -> None:
    """Tell the user of an answer that took LONG_ANSWER_S or more; a page that shows it dismisses the notice."""
    status = final.fields["status"]
    long = timezone.now() - final.began_after - _MARGIN >= timedelta(seconds=LONG_ANSWER_S)
    if not long or status not in (Message.Status.COMPLETE, Message.Status.FAILED):
        return
    title = str(Conversation.objects.only("title").get(pk=final.conversation_id))
    failed = {"failed": True} if status == Message.Status.FAILED else {}
    notify_users([final.user.pk], UserNotice.Kind.ANSWER, final.conversation_id, title, **failed)


def _save_citations(final: FinalTurnState) -> None:
    numbers = dict(Source.objects.filter(conversation=final.conversation_id).values_list("number", "pk"))
    Citation.objects.bulk_create(
        Citation(
            answer_id=final.answer_id, sentence=cite.sentence, start=cite.start, end=cite.end,
            source_id=None if cite.source is None else numbers[cite.source],
            source_start=cite.source_start, source_end=cite.source_end, score=cite.score,
            tool=cite.tool, quoted=cite.quoted, compared=cite.compared, contradicted=cite.contradicted,
            checked_by=cite.checked_by[:200], check_version=CHECK_VERSION,
        )
        for cite in final.citations
    )  # fmt: skip
