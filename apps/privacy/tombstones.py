"""What is left of a frozen text: its hash and its verdict."""

from __future__ import annotations

from apps.safety.models import Appeal, Case, Decision, Effect, Notice, Opinion, Snapshot
from apps.safety.moderation import reviewable


def forget_case(case: Case) -> None:
    """Nothing of what the case froze or was told is left; its decisions and their log stay. Call in a transaction."""
    replace_with_tombstone(case.snapshot)
    drop_restore_data(case)
    Appeal.objects.filter(decision__in=Decision.objects.filter(case=case)).update(text="")
    Notice.objects.filter(case=case).delete()


def drop_restore_data(case: Case) -> None:
    """Of what is gone nothing can be given back; a file in somebody else's collection stays theirs."""
    if not reviewable.get_reviewable(case.kind).exists(case.subject):
        Effect.objects.filter(decision__in=Decision.objects.filter(case=case)).update(before={})


def replace_with_tombstone(shot: Snapshot) -> Snapshot:
    """A row with the same hash and verdict stands in its place, without a word of it: a snapshot never changes."""
    old = shot.pk
    if not shot.text and not shot.context:
        return shot
    tomb = Snapshot(
        stage=shot.stage, text="", sha256=shot.sha256, context=[], signals=shot.signals, action=shot.action,
        code=shot.code, score=shot.score, policy_id=shot.policy_id, level=shot.level,
    )  # fmt: skip
    tomb.save(force_insert=True)
    for model in (Case, Opinion):
        model._default_manager.filter(snapshot=old).update(snapshot=tomb)
    Snapshot.objects.filter(pk=old).delete()
    return tomb
