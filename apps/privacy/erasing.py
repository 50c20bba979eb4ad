"""All that is kept about a person goes: rows, files, vectors, frozen texts of review. What stays says nothing of them.

What is left is the log of review (numbers and clauses, no content), decisions, tombstones of what was judged (hash and
verdict, without the text), cases under a legal hold until that is lifted, and the receipt.
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
from apps.privacy import case_holds, copying, tombs
from apps.privacy.models import Hold, Keeping, Wish
from apps.safety import audit, breakglass, vanishing
from apps.safety.models import Case
from apps.users.models import Bucket, User
from apps.users.people import end_sessions

HELD = (
    "Your data is under a legal hold: a law or a court asks that all of it is kept, so it cannot go now. "
    "An administrator can say more."
)
_KEPT = (
    "Of the cases of review that are under a legal hold, on the ground named above: the text that was judged with what "
    "stood around it, decisions, an appeal, and your name and address. That goes when the hold is lifted."
)
_AT_ONCE = 20  # conversations in one transaction: SQLite has one writer


class Held(Exception):
    """The data of this person must not go now."""


def erase(user: User) -> dict[str, int]:
    """Nothing of the person is left but cases under a legal hold; what was erased and what stays, counted. Raises Held.
    Broken off, it can be begun again."""
    if Hold.objects.filter(person=user).exists():
        raise Held(HELD)
    counts = {"collections": 0, "documents": 0, "conversations": 0, "copies": 0}
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
    counts |= _forget_review(user)
    for wish in Wish.objects.filter(person=user, kind=Wish.Kind.EXPORT):
        copying.place(wish).unlink(missing_ok=True)
        counts["copies"] += 1
    counts["other rows"] = _forget_account(user)
    return {what: count for what, count in counts.items() if count}


def _forget_review(user: User) -> dict[str, int]:
    """Frozen texts become tombstones; what was written by the person in appeals, and what effects kept, is emptied.
    What is under a legal hold stays, and is counted under its ground."""
    counts: dict[str, int] = {}
    for case in Case.objects.filter(owner=user).select_related("snapshot"):
        with transaction.atomic():
            vanishing.forgotten(case)
            tombs.unrestorable(case)
            what = case_holds.left(case, user)
            if not what:
                tombs.forget(case)
                what = "texts of review"
            counts[what] = counts.get(what, 0) + 1
    if glass := breakglass.forget(user):
        counts["break-glass requests"] = glass
    return counts


def _forget_account(user: User) -> int:
    with transaction.atomic():
        audit.record("person.erased", person=user.pk, subject=f"person {user.pk}")
        Bucket.objects.filter(key__startswith=f"person:{user.pk}:").delete()
        Keeping.objects.filter(scope=Keeping.Scope.PERSON, subject=str(user.pk)).delete()
        return user.delete()[0]


def receipt(wish: Wish) -> dict[str, Any]:
    """What was erased and when; its hash is in the log that cannot be changed."""
    kept = "The log of review (numbers and clauses, no content), hashes of judged texts, and this receipt."
    if any(what.startswith(case_holds.KEPT) for what in wish.counts):
        kept = f"{kept}\n{_KEPT}"
    said = {
        "receipt": str(wish.pk), "person": wish.number, "asked": wish.created.isoformat(),
        "erased": wish.ended.isoformat() if wish.ended else None, "counts": wish.counts,
        "kept": kept,
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
