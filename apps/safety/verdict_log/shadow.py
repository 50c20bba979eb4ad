"""Run policy versions in the shadow: evaluate the signals of live checks under them, without effect.

No detector runs again, and no user waits. The gate queues verdicts (`recorder.py`); `write_verdicts` evaluates them
under each shadow version and stores both results. Only blocklists that differ are matched against the text, while it is
in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import Error, transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import RecordedVerdict, ShadowVerdict
from apps.safety.policy import blocklist_matcher, strictness, versions
from apps.safety.policy.evaluation import BLOCKLIST_DETECTOR, PolicyResult, Signal, SignalStatus
from apps.safety.policy.schema import Action, Policy, Stage
from apps.safety.policy.versions import ShadowVersion
from apps.safety.verdict_log import detector_versions, recorder
from apps.safety.verdict_log.recorder import PendingVerdict

log = logging.getLogger(__name__)

_REVIEW_ACTIONS = (Action.REVIEW, Action.SEND)


class VerdictChange(TextChoices):
    """Difference of another version's verdict from the live one, gravest first."""

    # "Now" is the live version; the other one only would do so.
    WOULD_WITHHOLD = "held", gettext_lazy("Allowed now, would be withheld")
    WOULD_ALLOW = "freed", gettext_lazy("Withheld now, would be allowed")
    WOULD_ALLOW_UNCLASSIFIED = (
        "unasked",
        gettext_lazy("Withheld now, would be allowed by the rules; the classifiers were not asked"),
    )
    REVIEW = "people", gettext_lazy("Would be sent to review, or no longer")
    DISPLAY = "mark", gettext_lazy("Would be shown or counted differently")
    CLAUSE = "clause", gettext_lazy("Would have another clause")


def classify_change(before: PolicyResult, after: PolicyResult, signals: Sequence[Signal] = ()) -> VerdictChange | None:
    """Return how the verdict changes; None if it does not.

    `signals` are those of `before`; a skipped one turns WOULD_ALLOW into WOULD_ALLOW_UNCLASSIFIED.
    """
    if (before.action, before.code) == (after.action, after.code):
        return None
    if before.allowed != after.allowed:
        if before.allowed:
            return VerdictChange.WOULD_WITHHOLD
        asked = all(signal.status is not SignalStatus.SKIPPED for signal in signals)
        return VerdictChange.WOULD_ALLOW if asked else VerdictChange.WOULD_ALLOW_UNCLASSIFIED
    if (before.action in _REVIEW_ACTIONS) != (after.action in _REVIEW_ACTIONS):
        return VerdictChange.REVIEW
    return VerdictChange.DISPLAY if before.action != after.action else VerdictChange.CLAUSE


def evaluate_shadow(stage: Stage, signals: Sequence[Signal], text: str, since: int, level: Strictness, policy: Policy,
           live: Policy | None) -> PolicyResult:  # fmt: skip
    """Return the result of the signals under the policy version.

    Its blocklists are matched against `text` unless they equal those of the version that judged (`live`).
    """
    if live is None or policy.blocklists != live.blocklists:
        others = [signal for signal in signals if signal.detector != BLOCKLIST_DETECTOR]
        signals = [*others, *blocklist_matcher.match_blocklists(policy, stage, text, since)]
    return strictness.evaluate_at(stage, signals, policy, level)


def write_verdicts() -> None:
    """Store the queued verdicts, with the result of each shadow version.

    Run within `in_db` or in a worker. If the database is unreachable, the verdicts wait for the next call.
    """
    pending = recorder.take_pending()
    if not pending:
        return
    rows = [verdict.make_record() for verdict in pending]
    try:
        with transaction.atomic():
            records = RecordedVerdict.objects.bulk_create(rows, batch_size=200)
            if shadows := versions.shadow_versions():
                pairs = zip(pending, records, strict=True)
                shadow_rows = [_shadowed(*pair, shadow) for pair in pairs for shadow in shadows]
                ShadowVerdict.objects.bulk_create(shadow_rows, batch_size=500)
    except Error:
        log.warning("%s verdicts could not be stored; they wait", len(pending))
        recorder.requeue_verdicts(pending)
        return
    try:
        detector_versions.record_versions(signal for verdict in pending for signal in verdict.evaluation.signals)
    except Error:
        log.warning("Which detectors judged could not be stored; that is tried again with the next verdicts")


def _shadowed(pending: PendingVerdict, row: RecordedVerdict, shadow: ShadowVersion) -> ShadowVerdict:
    before, signals = pending.evaluation.result, pending.evaluation.signals
    if pending.allowlisted:
        before = after = PolicyResult(None)  # a reviewer allowed it: it passes under any version
    else:
        judging_policy = live if (live := versions.current_policy()).number == pending.policy_number else None
        after = evaluate_shadow(
            Stage(pending.evaluation.stage),
            signals,
            pending.evaluation.text,
            pending.since,
            pending.strictness,
            shadow.policy,
            judging_policy,
        )
    return ShadowVerdict(
        record=row,
        policy_id=shadow.pk,
        stage=row.stage,
        change=classify_change(before, after, signals) or "",
        clause=after.code or before.code,
        action=after.action or "",
        score=after.score,
    )
