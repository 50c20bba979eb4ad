"""All that is kept about a person goes: rows, files, vectors, frozen texts of review. What stays says nothing of them.

What is left is the log of review (numbers and clauses, no content), decisions, tombstones of what was judged (hash and
verdict, without the text), and the receipt.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.conversations import importing
from apps.conversations.attached import taking
from apps.conversations.keeping import remove
from apps.conversations.models import AttachedPicture, Conversation
from apps.documents.models import Collection, Document
from apps.documents.sharing import delete_collection
from apps.images import gallery
from apps.images.models import Picture
from apps.privacy import copying
from apps.privacy.models import Hold, Keeping, Wish
from apps.safety import audit, reviewable, vanishing
from apps.safety.models import Appeal, Case, Decision, Effect, Gold, Notice, Opinion, Snapshot
from apps.users.models import Bucket, User
from apps.users.people import end_sessions

_AT_ONCE = 20  # conversations in one transaction: SQLite has one writer


class Held(Exception):
    """The data of this person must not go now."""


def erase(user: User) -> dict[str, int]:
    """Nothing of the person is left; what was erased, counted. Raises Held. Broken off, it can be begun again."""
    if Hold.objects.filter(person=user).exists() or Case.objects.filter(owner=user, legal_hold=True).exists():
        raise Held("Your data is under a legal hold. An administrator can say more; it goes when the hold is lifted.")
    counts = {"collections": 0, "documents": 0, "conversations": 0, "texts of review": 0, "copies": 0}
    end_sessions(user)
    importing.forget(user)
    for shelf in Collection.objects.filter(owner=user):
        counts["documents"] += Document.every.filter(collection=shelf).count()
        counts["collections"] += 1
        delete_collection(shelf)
    rows = Conversation.objects.owned_by(user)
    while batch := list(rows.values_list("pk", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            counts["conversations"] += len(batch)
            remove(batch)
    pictures = list(Picture.objects.filter(owner=user).values_list("pk", flat=True))
    counts["pictures"] = gallery.delete(user, pictures) if pictures else 0
    counts["attached pictures"] = taking.remove(AttachedPicture.objects.filter(owner=user))
    counts["texts of review"] = _forget_review(user)
    for wish in Wish.objects.filter(person=user, kind=Wish.Kind.EXPORT):
        copying.place(wish).unlink(missing_ok=True)
        counts["copies"] += 1
    counts["other rows"] = _forget_account(user)
    return {what: count for what, count in counts.items() if count}


def _forget_review(user: User) -> int:
    """Frozen texts become tombstones; what was written by the person in appeals, and what effects kept, is emptied."""
    count = 0
    for case in Case.objects.filter(owner=user).select_related("snapshot"):
        with transaction.atomic():
            vanishing.forgotten(case)
            entomb(case.snapshot)
            decided = Decision.objects.filter(case=case)
            Appeal.objects.filter(decision__in=decided).update(text="")
            if not reviewable.of(case.kind).exists(case.subject):  # a file in somebody else's collection stays theirs
                Effect.objects.filter(decision__in=decided).update(before={})
            Notice.objects.filter(case=case).delete()
            count += 1
    return count


def entomb(shot: Snapshot) -> Snapshot:
    """A row with the same hash and verdict stands in its place, without a word of it: a snapshot never changes."""
    old = shot.pk
    if not shot.text and not shot.context:
        return shot
    tomb = Snapshot(
        stage=shot.stage, text="", sha256=shot.sha256, context=[], signals=shot.signals, action=shot.action,
        code=shot.code, score=shot.score, policy_id=shot.policy_id, level=shot.level,
    )  # fmt: skip
    tomb.save(force_insert=True)
    for model in (Case, Gold, Opinion):
        model._default_manager.filter(snapshot=old).update(snapshot=tomb)
    Snapshot.objects.filter(pk=old).delete()
    return tomb


def _forget_account(user: User) -> int:
    with transaction.atomic():
        audit.record("person.erased", person=user.pk, subject=f"person {user.pk}")
        Bucket.objects.filter(key__startswith=f"person:{user.pk}:").delete()
        Keeping.objects.filter(scope=Keeping.Scope.PERSON, subject=str(user.pk)).delete()
        return user.delete()[0]


def receipt(wish: Wish) -> dict[str, Any]:
    """What was erased and when; its hash is in the log that cannot be changed."""
    said = {
        "receipt": str(wish.pk), "person": wish.number, "asked": wish.created.isoformat(),
        "erased": wish.ended.isoformat() if wish.ended else None, "counts": wish.counts,
        "kept": "The log of review (numbers and clauses, no content), hashes of judged texts, and this receipt.",
    }  # fmt: skip
    return {**said, "sha256": hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}


def finish(wish: Wish, counts: dict[str, int]) -> None:
    """The receipt is written, and its hash is in the log."""
    wish.status, wish.counts, wish.ended = Wish.Status.DONE, counts, timezone.now()
    wish.sha256 = receipt(wish)["sha256"]
    with transaction.atomic():
        Wish.objects.filter(pk=wish.pk).update(
            status=wish.status, counts=counts, ended=wish.ended, sha256=wish.sha256, lease_token="", lease_until=None
        )
        audit.record("person.receipt", person=wish.number, subject=f"receipt {wish.pk}", sha256=wish.sha256)
