"""Replace frozen texts of cases by tombstones, which hold only hash and verdict."""

from __future__ import annotations

from apps.safety.models import Appeal, AppliedEffect, Case, Decision, Notice, SecondReview, Snapshot
from apps.safety.moderation import reviewable


def forget_case(case: Case) -> None:
    """Delete the frozen text, restore data, notes, appeal texts and notices of the case; decisions stay. Must run in a
    transaction."""
    replace_with_tombstone(case.snapshot)
    drop_restore_data(case)
    Decision.objects.filter(case=case).update(note="")
    Appeal.objects.filter(decision__in=Decision.objects.filter(case=case)).update(text="")
    Notice.objects.filter(case=case).delete()


def drop_restore_data(case: Case) -> None:
    """Delete what the effects of the case kept for undoing them, if its subject no longer exists.

    A file in a collection of another user still exists, so its restore data stays.
    """
    if not reviewable.get_reviewable(case.kind).exists(case.subject):
        AppliedEffect.objects.filter(decision__in=Decision.objects.filter(case=case)).update(restore_data={})


def replace_with_tombstone(snapshot: Snapshot) -> Snapshot:
    """Return a new snapshot with hash and verdict but no text, and delete the old one.

    Snapshots are immutable, so cases and second reviews are pointed to a new row. A snapshot without text is returned
    as it is.
    """
    old = snapshot.pk
    if not snapshot.text and not snapshot.context:
        return snapshot
    tombstone = Snapshot(
        stage=snapshot.stage, text="", sha256=snapshot.sha256, context=[], signals=snapshot.signals,
        action=snapshot.action, code=snapshot.code, score=snapshot.score, policy_id=snapshot.policy_id,
        strictness=snapshot.strictness,
    )  # fmt: skip
    tombstone.save(force_insert=True)
    for model in (Case, SecondReview):
        model._default_manager.filter(snapshot=old).update(snapshot=tombstone)
    Snapshot.objects.filter(pk=old).delete()
    return tombstone
