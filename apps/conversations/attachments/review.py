"""Review cases about attached pictures. Entry points: `AttachedReviewable`, `open_case`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.utils.translation import gettext_lazy

from apps.conversations.models.attachment import AttachedPicture
from apps.lib import websocket_push
from apps.safety.moderation import cases
from apps.safety.moderation.reviewable import ContentLocation, ContextItem, read_stored_bytes
from apps.safety.policy.verdicts import EvaluationRecord
from apps.users.models import User

CASE_KIND = "attached"
_RESTORED_FIELDS = ("status", "reason")
Status = AttachedPicture.Status


class AttachedReviewable:
    """Attached pictures as reviewable content. Methods that change a picture run in the transaction of the decision."""

    name = gettext_lazy("an attached picture")

    def exists(self, subject: str) -> bool:
        """Return whether the picture still exists."""
        return AttachedPicture.objects.filter(pk=subject).exists()

    def context(self, subject: str) -> list[ContextItem]:
        """Return the file name, the text in the picture, and the first question about it."""
        row = AttachedPicture.objects.filter(pk=subject).first()
        if row is None:
            return []
        asked = row.attachments.select_related("question").order_by("pk").first()
        turns = [ContextItem("File", row.name)]
        turns += [ContextItem("Text in the picture", row.text[:2000])] if row.text else []
        return [*turns, ContextItem("Question", asked.question.text[:2000])] if asked else turns

    def locate(self, user: User, subjects: Collection[str]) -> dict[str, ContentLocation]:
        """Return the file names by subject, for pictures of the user."""
        rows = AttachedPicture.objects.visible_to(user).filter(pk__in=subjects)
        return {str(row.pk): ContentLocation(row.name) for row in rows}

    def withhold(self, subject: str, message: str) -> dict[str, Any]:
        """Hold the picture: nobody sees it, and no model gets it. Return what `restore` needs."""
        rows = AttachedPicture.objects.filter(pk=subject)
        restore_data = rows.values(*_RESTORED_FIELDS).first()
        rows.update(status=Status.HELD, reason=message[:400])
        _publish_change(subject)
        return restore_data or {}

    def release(self, subject: str) -> dict[str, Any]:
        """Release a held picture, whose text is recognised next. Return what `restore` needs."""
        held_rows = AttachedPicture.objects.filter(pk=subject, status=Status.HELD)
        restore_data = held_rows.values(*_RESTORED_FIELDS).first()
        held_rows.update(status=Status.WAITING, reason="", attempts=0)
        _publish_change(subject)
        return restore_data or {}

    def picture(self, subject: str) -> bytes:
        """Return the file, b"" if the picture is gone."""
        row = AttachedPicture.objects.filter(pk=subject).first()
        return read_stored_bytes(row.file) if row is not None else b""

    def restore(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Restore the status before the decision."""
        if restore_data:
            AttachedPicture.objects.filter(pk=subject).update(**restore_data)
            _publish_change(subject)

    def blur(self, subject: str, code: str) -> dict[str, Any]:
        """Blur the picture under the clause. Return what `unblur` needs."""
        rows = AttachedPicture.objects.filter(pk=subject)
        restore_data = rows.values_list("blur", flat=True).first()
        rows.update(blur=code)
        _publish_change(subject)
        return {} if restore_data is None else {"blur": restore_data}

    def unblur(self, subject: str, restore_data: dict[str, Any]) -> None:
        """Restore the blur before the decision."""
        AttachedPicture.objects.filter(pk=subject).update(blur=restore_data["blur"])
        _publish_change(subject)


def _publish_change(subject: str) -> None:
    """Tell the pages that show the picture whether they may, after commit."""
    row = AttachedPicture.objects.filter(pk=subject).only("owner", "status").first()
    if row is not None:
        websocket_push.push_picture_change(row.owner_id, row.pk, withheld=row.status == Status.HELD)


def open_case(row: AttachedPicture, evaluation: EvaluationRecord | None) -> None:
    """Open a case if the policy asks for a review. Call inside the transaction that stores the picture."""
    cases.flag_evaluated(CASE_KIND, row.pk, row.owner_id, evaluation)
