"""Erase all data about a user: rows, files, vectors and frozen texts of cases.

What remains names no content of the user: audit log entries (ids and clauses), decisions, tombstones of judged texts
(hash and verdict), the receipt.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.conversations.attachments import uploads
from apps.conversations.history.conversation_actions import delete_permanently
from apps.conversations.models import AttachedPicture, Conversation, ImportJob
from apps.conversations.models.assistant import Assistant, AssistantShare
from apps.conversations.transfer import import_job
from apps.documents.library.sharing import remove_collection
from apps.documents.models import Collection, Document, Membership, PendingMembership, Segment
from apps.engines import registry
from apps.engines.types import SegmentInfo
from apps.images.library import gallery
from apps.images.models import Picture
from apps.lib.db import leases
from apps.privacy import data_export, sqlite_remnants, tombstones
from apps.privacy.models import DataRequest, ErasureFile, LegalHold, RetentionRule
from apps.safety.audit_log import audit
from apps.safety.break_glass import access_requests
from apps.safety.models import Case
from apps.safety.moderation import auto_close
from apps.users.models import Invitation, RateLimitBucket, User
from apps.users.notices import delete_notices_about, forget_sender
from apps.users.sessions import end_sessions

LEGAL_HOLD_MESSAGE = (
    "Your data is under a legal hold: a law or a court requires that it is kept, so your account cannot "
    "be deleted now. Ask an administrator for details."
)
_RETAINED_LABEL = "kept under a legal hold"  # prefix of a count in receipts of former releases; the ground follows
_KEPT = (
    "From review cases under a legal hold, on the ground named above: the reviewed text with its "
    "context, decisions, an appeal, and your name and e-mail address. These are erased when the hold "
    "is lifted."
)
LEASE_S = 300.0  # seconds; each step renews the lease
_AT_ONCE = 20  # conversations in one transaction: SQLite has one writer


class UnderLegalHold(Exception):
    """Error: a legal hold forbids erasing the data of this user."""


class ErasureLeaseLost(Exception):
    """Error: another worker has taken over the request."""


def erase_user(data_request: DataRequest, token: str) -> None:
    """Erase all data of the user, then write the receipt.

    Each step deletes, counts and renews the lease in one transaction. Files and index segments to remove are stored in
    rows first. An interrupted erasure can restart at any point and counts nothing twice. Raises UnderLegalHold,
    ErasureLeaseLost and TracesLeft.
    """
    user = data_request.user
    if user is not None:
        if LegalHold.objects.filter(user=user).exists():
            raise UnderLegalHold(LEGAL_HOLD_MESSAGE)
        end_sessions(user)
        with _step(data_request, token):
            _note_files(data_request, user)
        with _step(data_request, token):
            _delete_shares(data_request, user)
        _erase_rows(data_request, token, user)
        with _step(data_request, token):
            _forget_review(data_request, user)
    _remove_files(data_request, token)
    if user is not None:
        with _step(data_request, token):
            _add(data_request, "other rows", _forget_account(user))
    sqlite_remnants.remove_traces()
    finish(data_request, token)


@contextmanager
def _step(data_request: DataRequest, token: str) -> Iterator[None]:
    """Run the block, store the counts and renew the lease in one transaction.

    Raises ErasureLeaseLost, which rolls the block back, if another worker has the request.
    """
    with transaction.atomic():
        yield
        if not leases.renew(DataRequest.objects.all(), data_request.pk, token, LEASE_S, counts=data_request.counts):
            raise ErasureLeaseLost


def _add(data_request: DataRequest, what: str, number: int) -> None:
    if number:
        data_request.counts[what] = data_request.counts.get(what, 0) + number


def _note_files(data_request: DataRequest, user: User) -> None:
    """Store which files and index segments are to be removed, and cancel queued copies.

    Idempotent: a repeated call adds what came since.
    """
    copies = DataRequest.objects.filter(user=user, kind=DataRequest.Kind.EXPORT)
    copies.filter(status=DataRequest.Status.WAITING).update(
        status=DataRequest.Status.FAILED, lease_token="", lease_until=None, ended=timezone.now()
    )
    stored = [
        *Document.all_objects.filter(collection__owner=user).values_list("file", flat=True),
        *(name for row in Picture.objects.filter(owner=user).only("file", "start", "mask") for name in row.files),
        *AttachedPicture.objects.filter(owner=user).values_list("file", flat=True),
    ]
    paths = {Path(settings.MEDIA_ROOT) / name for name in stored if name}
    paths |= {data_export.archive_path(copy).with_suffix(suffix) for copy in copies for suffix in (".zip", ".part")}
    paths |= {import_job.get_stored_path(row) for row in ImportJob.objects.filter(owner=user)}
    names = {os.path.relpath(path, settings.DATA_DIR) for path in paths if path.is_file()}
    names -= set(data_request.files.values_list("path", flat=True))
    segments = [asdict(row.info) for row in Segment.objects.filter(collection__owner=user)]
    known = [row.segment["id"] for row in data_request.files.exclude(segment=None) if row.segment]
    ErasureFile.objects.bulk_create(
        [
            *(ErasureFile(data_request=data_request, path=name) for name in sorted(names)),
            *(ErasureFile(data_request=data_request, segment=one) for one in segments if one["id"] not in known),
        ]
    )


def list_shared_assistants(user: User) -> list[tuple[Assistant, int]]:
    """Return the user's assistants that are shared, by name, each with the number of addresses that it is shared with:
    single ones, and those of active members of its groups."""
    addresses: dict[UUID, set[str]] = {}
    shares = AssistantShare.objects.filter(assistant__owner=user)
    members = shares.filter(group__user__is_active=True).values_list("assistant", "group__user__email")
    for assistant, address in [*shares.exclude(email="").values_list("assistant", "email"), *members]:
        addresses.setdefault(assistant, set()).add(address)
    rows = Assistant.objects.filter(owner=user).only("name", "everyone")
    counted = [(row, len(addresses.get(row.pk, set()) - {user.email})) for row in rows]
    return [(row, number) for row, number in counted if row.everyone or number]


def _delete_shares(data_request: DataRequest, user: User) -> None:
    """Delete what other users shared with the user or with an address of theirs, memberships of groups, invitations to
    these addresses, and notices of other users that name the user or what they own."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    addresses = {address.lower() for address in (user.email, *confirmed)}
    shares = [
        AssistantShare.objects.filter(email__in=addresses),
        Membership.objects.filter(user=user),
        PendingMembership.objects.filter(email__in=addresses),
    ]
    _add(data_request, "shares", sum(rows.delete()[0] for rows in shares))
    _add(data_request, "groups", user.groups.count())
    user.groups.clear()
    _add(data_request, "other rows", Invitation.objects.filter(email__in=addresses).delete()[0])
    owned = [*Collection.all_objects.filter(owner=user), *Assistant.objects.filter(owner=user).only("pk")]
    delete_notices_about([row.pk for row in owned])
    forget_sender(user)


def _erase_rows(data_request: DataRequest, token: str, user: User) -> None:
    for collection in Collection.all_objects.filter(owner=user):
        with _step(data_request, token):
            _add(data_request, "documents", Document.all_objects.filter(collection=collection).count())
            _add(data_request, "collections", int(not collection.of_chat))
            remove_collection(collection)
    with _step(data_request, token):
        _add(data_request, "assistants", Assistant.objects.filter(owner=user).delete()[1].get(Assistant._meta.label, 0))
    rows = Conversation.objects.owned_by(user)
    while batch := list(rows.values_list("pk", flat=True)[:_AT_ONCE]):
        with _step(data_request, token):
            _add(data_request, "conversations", len(batch))
            delete_permanently(batch)
    with _step(data_request, token):
        pictures = list(Picture.objects.filter(owner=user).values_list("pk", flat=True))
        _add(data_request, "pictures", gallery.delete_pictures(user, pictures) if pictures else 0)
    attached = AttachedPicture.objects.filter(owner=user)
    while pks := list(attached.values_list("pk", flat=True)[:_AT_ONCE]):
        with _step(data_request, token):
            _add(data_request, "attached pictures", uploads.delete_pictures(attached.filter(pk__in=pks)))


def _forget_review(data_request: DataRequest, user: User) -> None:
    """Replace the frozen texts of cases about the user by tombstones, and delete appeals and stored content of
    effects."""
    counts: dict[str, int] = {}
    for case in Case.objects.filter(owner=user).select_related("snapshot"):
        auto_close.close_erased(case)
        tombstones.drop_restore_data(case)
        tombstones.forget_case(case)
        counts["texts of review"] = counts.get("texts of review", 0) + 1
    if glass := access_requests.anonymize_requests(user):
        counts["break-glass requests"] = glass
    if copies := DataRequest.objects.filter(user=user, kind=DataRequest.Kind.EXPORT).count():
        counts["copies"] = copies
    data_request.counts |= counts  # set, not added: a restarted erasure counts the same rows again


def _remove_files(data_request: DataRequest, token: str) -> None:
    """Remove the stored files and segments, and the row of each once it is gone."""
    for row in data_request.files.all():
        if row.segment:
            registry.get_index().drop([SegmentInfo(**row.segment)])
        else:
            (Path(settings.DATA_DIR) / row.path).unlink(missing_ok=True)
        with _step(data_request, token):
            if row.path:
                _add(data_request, "files", 1)
            row.delete()


def _forget_account(user: User) -> int:
    audit.record_event("person.erased", user=user.pk, subject=f"person {user.pk}")
    RateLimitBucket.objects.filter(key__startswith=f"person:{user.pk}:").delete()
    RetentionRule.objects.filter(scope=RetentionRule.Scope.USER, subject=str(user.pk)).delete()
    return user.delete()[0]


def describe_held(data_request: DataRequest) -> str:
    """Return what legal holds of cases, set by former releases, kept at the erasure; "" without one."""
    is_held = any(what.startswith(_RETAINED_LABEL) for what in data_request.counts)
    return _KEPT if is_held else ""


def build_receipt(data_request: DataRequest) -> dict[str, Any]:
    """Return the receipt: counts, times, what was kept, and the SHA-256 that the audit log holds."""
    kept = "The audit log (numbers and clauses, no content), hashes of reviewed texts, and this receipt."
    if held := describe_held(data_request):
        kept = f"{kept}\n{held}"
    receipt = {
        "receipt": str(data_request.pk), "person": data_request.user_pk, "asked": data_request.created.isoformat(),
        "erased": data_request.ended.isoformat() if data_request.ended else None, "counts": data_request.counts,
        "kept": kept,
    }  # fmt: skip
    return {**receipt, "sha256": hashlib.sha256(json.dumps(receipt, sort_keys=True).encode()).hexdigest()}


def finish(data_request: DataRequest, token: str) -> None:
    """Store the receipt and write its hash to the audit log. Raises ErasureLeaseLost."""
    data_request.status, data_request.ended = DataRequest.Status.DONE, timezone.now()
    data_request.sha256 = build_receipt(data_request)["sha256"]
    changes = {
        "status": data_request.status,
        "counts": data_request.counts,
        "ended": data_request.ended,
        "sha256": data_request.sha256,
    }
    with transaction.atomic():
        if not leases.release(DataRequest.objects.all(), data_request.pk, token, reason="", error="", **changes):
            raise ErasureLeaseLost
        audit.record_event(
            "person.receipt",
            user=data_request.user_pk,
            subject=f"receipt {data_request.pk}",
            sha256=data_request.sha256,
        )
