"""Attach a picture: redraw it in the child process, check it by the gate, and store the redrawn file.

Entry points: `save_upload`, `delete_pictures`, `delete_draft`.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext

from apps.conversations.attachments import review
from apps.conversations.errors import RequestRefused
from apps.conversations.models.attachment import AttachedPicture
from apps.documents.library.uploads import clean_file_name
from apps.lib.celery.notify import notify_worker
from apps.reading.parsing.protocol import ParseError
from apps.reading.sandbox import runner
from apps.safety.detectors import malware
from apps.safety.gate.pictures import blur_clause, check_picture
from apps.safety.models.feature_restrictions import Feature, restriction_message
from apps.safety.moderation import auto_close
from apps.safety.policy.evaluation import UNCHECKED
from apps.safety.policy.verdicts import Verdict
from apps.users import rate_limits
from apps.users.models import User

TASK_NAME = "conversations.recognise"
MAX_MEGABYTES = 20  # of an uploaded picture
MAX_DRAFTS = 40  # pictures of one user that no question was asked about yet
_SECONDS = 20  # seconds for redrawing
_READER = "apps.conversations.attachments.image_reader"
_FREE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class RedrawnPicture:
    """Result of the child process."""

    content: bytes
    thumbnail: bytes
    extension: str
    width: int
    height: int


def save_upload(user: User, file: UploadedFile[bytes]) -> AttachedPicture:
    """Check, redraw and store the picture; a worker recognises its text after commit.

    Blocks while the child process runs. Consumes one upload of the rate limit. A picture that the gate stops is held if
    the policy asks for a review. Raise RequestRefused (restricted, too large, unreadable, malware, withheld) and
    RateLimited.
    """
    _check_upload(user, file)
    rate_limits.consume(user, rate_limits.LimitedResource.UPLOADS)
    if words := malware.scan_file(file, user.pk):
        raise RequestRefused(words)
    drawn = _redraw(file)
    verdict = check_picture(lambda: drawn.content)
    if not verdict.allowed and (verdict.evaluation is None or not verdict.evaluation.result.reviewed):
        raise RequestRefused(verdict.message)
    return _store(user, clean_file_name(file.name or ""), drawn, verdict)


def delete_pictures(rows: Iterable[AttachedPicture]) -> int:
    """Delete rows, files and review cases; return their number. The caller checks the permission.

    Rows go first: the periodic job removes files without rows.
    """
    found = list(rows)
    AttachedPicture.objects.filter(pk__in=[row.pk for row in found]).delete()
    for row in found:
        auto_close.close_deleted(review.CASE_KIND, str(row.pk))
        row.file.storage.delete(str(row.file))
    return len(found)


def delete_draft(user: User, pk: UUID) -> None:
    """Delete the user's picture, unless a question was asked about it."""
    delete_pictures(AttachedPicture.objects.visible_to(user).drafts().filter(pk=pk))


def _check_upload(user: User, file: UploadedFile[bytes]) -> None:
    """Raise RequestRefused if the user may not attach this file now."""
    if words := restriction_message(user, Feature.UPLOADS):
        raise RequestRefused(words)
    if not file.size:
        raise RequestRefused(gettext("This file is empty. Check that it was saved, and attach it again."))
    if file.size > MAX_MEGABYTES * 1024**2:
        raise RequestRefused(
            gettext("This picture is larger than %(megabytes)s MB. Make it smaller and attach it again.")
            % {"megabytes": MAX_MEGABYTES}
        )
    if AttachedPicture.objects.filter(owner=user).drafts().count() >= MAX_DRAFTS:
        raise RequestRefused(
            gettext(
                "%(drafts)s pictures are attached to questions that you have not sent. Send the questions, or "
                "remove some pictures."
            )
            % {"drafts": MAX_DRAFTS}
        )
    if shutil.disk_usage(settings.DATA_DIR).free < _FREE_BYTES:
        raise RequestRefused(gettext("The server's disk is nearly full. Tell an administrator."))


def _redraw(file: UploadedFile[bytes]) -> RedrawnPicture:
    """Return the redrawn picture. Raise RequestRefused with the reason."""
    with tempfile.NamedTemporaryFile(prefix="attached-") as raw:
        for part in file.chunks():
            raw.write(part)
        raw.flush()
        try:
            options: dict[str, Any] = {"module": _READER}
            memory = settings.PARSE_MEMORY_BYTES
            (found,) = runner.run_task("read", raw.name, options, seconds=_SECONDS, memory_bytes=memory)
        except (ParseError, runner.ParserCrashed) as error:
            raise RequestRefused(str(error)) from error
    pictures = base64.b64decode(found["picture"]), base64.b64decode(found["thumbnail"])
    return RedrawnPicture(*pictures, found["ending"], found["width"], found["height"])


def _store(user: User, name: str, drawn: RedrawnPicture, verdict: Verdict) -> AttachedPicture:
    status = AttachedPicture.Status.WAITING if verdict.allowed else AttachedPicture.Status.HELD
    row = AttachedPicture(
        owner=user, name=name, thumbnail=drawn.thumbnail, width=drawn.width, height=drawn.height, status=status,
        sha256=hashlib.sha256(drawn.content).hexdigest(), reason=verdict.message[:400],
        unchecked=verdict.code == UNCHECKED, blur=blur_clause(verdict),
    )  # fmt: skip
    row.file.name = row.file.storage.save(f"attached/{row.pk}.{drawn.extension}", ContentFile(drawn.content))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            review.open_case(row, verdict.evaluation)
            transaction.on_commit(partial(notify_worker, TASK_NAME, row.pk), robust=True)
    except BaseException:
        row.file.storage.delete(row.file.name)
        raise
    return row
