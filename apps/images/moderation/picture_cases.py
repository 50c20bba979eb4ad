"""Connect pictures to moderation: open cases, withhold, release, blur and restore pictures."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy

from apps.images.models import TASK, Picture
from apps.lib import websocket_push
from apps.lib.celery.notify import notify_worker
from apps.safety.models import Case
from apps.safety.moderation import cases
from apps.safety.moderation.reviewable import ContentLocation, ContextItem, read_stored_bytes
from apps.safety.policy.schema import Action
from apps.safety.policy.verdicts import EvaluationRecord, Verdict
from apps.safety.text.normalization import hash_text
from apps.users.models import User

KIND = "picture"
_RESTORED_FIELDS = ("status", "reason")


class PictureReviewable:
    """Adapter by which decisions of reviewers act on pictures (see `apps.safety.moderation.reviewable`)."""

    name = gettext_lazy("a picture")

    def exists(self, subject: str) -> bool:
        return Picture.objects.filter(pk=subject).exists()

    def context(self, subject: str) -> list[ContextItem]:
        row = Picture.objects.filter(pk=subject).first()
        if row is None:
            return []
        turns = [ContextItem("Prompt", row.prompt[:2000])]
        return [*turns, ContextItem("Negative prompt", row.negative[:2000])] if row.negative else turns

    def locate(self, user: User, subjects: Collection[str]) -> dict[str, ContentLocation]:
        rows = Picture.objects.filter(owner=user, pk__in=subjects)
        return {str(row.pk): ContentLocation("", reverse("images:picture", args=[row.pk]), row.prompt) for row in rows}

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        """Hold the picture: its owner sees only the reason, and a drawing stops. Return the previous state."""
        restore_data = Picture.objects.filter(pk=subject).values(*_RESTORED_FIELDS).first()
        held = {"status": Picture.Status.HELD, "lease_token": "", "lease_until": None}
        Picture.objects.filter(pk=subject).update(reason=message[:400], **held)
        _notify_pages(subject)
        return restore_data or {}

    def release(self, subject: str) -> dict[str, Any]:
        """Show a held picture; queue it if it was held before it was drawn. Return the previous state."""
        held_rows = Picture.objects.filter(pk=subject, status=Picture.Status.HELD)
        restore_data = held_rows.values(*_RESTORED_FIELDS).first()
        drawn = held_rows.exclude(file="").update(status=Picture.Status.READY, reason="")
        if restore_data and not drawn:
            held_rows.update(status=Picture.Status.QUEUED, reason="", attempts=0)
            transaction.on_commit(partial(notify_worker, TASK, UUID(subject)))
        _notify_pages(subject)
        return restore_data or {}

    def picture(self, subject: str) -> bytes:
        row = Picture.objects.filter(pk=subject).first()
        return read_stored_bytes(row.file) if row is not None else b""

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        if restore_data.get("status") == Picture.Status.WORKING:
            restore_data = {**restore_data, "status": Picture.Status.QUEUED}
        if restore_data:  # a worker that draws it meanwhile loses its lease
            Picture.objects.filter(pk=subject).update(**restore_data, lease_token="", lease_until=None)
            _notify_pages(subject)

    def blur(self, subject: str, code: str) -> dict[str, Any]:
        rows = Picture.objects.filter(pk=subject)
        restore_data = rows.values_list("blur", flat=True).first()
        rows.update(blur=code)
        _notify_pages(subject)
        return {} if restore_data is None else {"blur": restore_data}

    def unblur(self, subject: str, restore_data: dict[str, Any]) -> None:
        Picture.objects.filter(pk=subject).update(blur=restore_data["blur"])
        _notify_pages(subject)


def _notify_pages(subject: str) -> None:
    """Tell the owner's open pages whether the picture may be shown, after the commit."""
    row = Picture.objects.filter(pk=subject).only("owner", "status").first()
    if row is not None:
        websocket_push.push_picture_change(row.owner_id, row.pk, withheld=row.status == Picture.Status.HELD)


def flag_picture(row: Picture, evaluation: EvaluationRecord | None) -> None:
    """Open a case if the policy asks for one. Must run inside the transaction that stores the picture.

    A prompt that was already flagged for review at the request opens no second case when the picture is drawn.
    """
    if evaluation is not None and evaluation.result.action is Action.REVIEW:
        earlier = Case.objects.filter(kind=KIND, subject=str(row.pk), clause=evaluation.result.code)
        if earlier.filter(snapshot__sha256=hash_text(evaluation.text)).exists():
            return
    cases.flag_evaluated(KIND, row.pk, row.owner_id, evaluation)


def flag_prompt(user_id: int, verdict: Verdict) -> None:
    """Open a case about words of which no picture is stored. Call in a database thread."""
    cases.flag_unstored(KIND, user_id, verdict.evaluation)
