"""Changes of assistants: create, update, restore a version, share, delete. Each checks the permission of the user.

Raise PermissionDenied for an assistant that the user may not change, share or delete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.conversations.models.assistant import Assistant, AssistantShare, AssistantVersion, ShownSentences
from apps.documents.models import Collection
from apps.lib.db.permissions import require_row
from apps.safety.models.strictness import Strictness
from apps.users.models import User, UserNotice
from apps.users.notices import notify_users

VERSIONED_FIELDS = (
    "name",
    "description",
    "instructions",
    "examples",
    "starters",
    "style",
    "shown_sentences",
    "preset",
    "sampling",
    "tools",
    "model",
    "strictness",
)
# Values for versions that are older than the field.
_OLDER_DEFAULTS: Mapping[str, Any] = {
    "model": "",
    "strictness": Strictness.SITE,
    "tools": {},
    "shown_sentences": ShownSentences.AUTOMATIC,
}
MAX_VERSIONS = 200


class VersionConflict(Exception):
    """Raised if another user saved a newer version meanwhile."""


def create_assistant(user: User, content: Mapping[str, Any], collections: QuerySet[Collection]) -> Assistant:
    """Create an assistant of the user with its first version, in one transaction."""
    with transaction.atomic():
        row = Assistant.objects.create(
            owner=user, **{name: content[name] for name in VERSIONED_FIELDS if name in content}
        )
        row.collections.set(collections)
        _save_version(row, user)
    return row


def update_assistant(
    user: User, assistant: Assistant, content: Mapping[str, Any], collections: QuerySet[Collection], base_version: int
) -> Assistant:
    """Save the assistant as a new version, in one transaction.

    `collections` are those that the user may read; collections that the user may not read are kept. `base_version` is
    the version that was edited. Raise VersionConflict if it is no longer the newest,
    and PermissionDenied if the user may not edit it.
    """
    with transaction.atomic():
        row = _lock(user, assistant)
        if row.version != base_version:
            raise VersionConflict
        _record_first(row)
        for name in content.keys() & set(VERSIONED_FIELDS):
            setattr(row, name, content[name])
        readable = Collection.objects.visible_to(user)
        hidden = row.collections.exclude(pk__in=readable.values("pk"))
        row.collections.set([*hidden, *collections])
        row.version += 1
        row.save()
        _save_version(row, user)
    return row


def restore_version(user: User, assistant: Assistant, number: int) -> Assistant:
    """Save the content of an earlier version as a new one, in one transaction. Raise AssistantVersion.DoesNotExist."""
    with transaction.atomic():
        row = _lock(user, assistant)
        content = row.versions.get(number=number).content
        for name in VERSIONED_FIELDS:
            setattr(row, name, content.get(name, _OLDER_DEFAULTS.get(name)))
        row.collections.set(Collection.objects.filter(pk__in=content["collections"]))
        row.version += 1
        row.save()
        _save_version(row, user)
    return row


def set_picture(user: User, assistant: Assistant, png: bytes) -> None:
    """Store the picture as PNG; empty bytes remove it."""
    require_row(Assistant.objects.editable_by(user), assistant.pk)
    Assistant.objects.filter(pk=assistant.pk).update(picture=png)


def share_assistant(
    user: User, assistant: Assistant, role: str, *, email: str = "", group: Group | None = None
) -> bool:
    """Give an email address or a group a role; its users get a notice that names the user.

    Return False for an address of the owner, which changes nothing. The result does not tell whether another address
    has an account.
    """
    require_row(Assistant.objects.owned_by(user), assistant.pk)
    email = email.lower()
    if email and (email == user.email or EmailAddress.objects.filter(user=user, email=email, verified=True).exists()):
        return False
    with transaction.atomic():
        _, new = AssistantShare.objects.update_or_create(
            assistant=assistant, email=email, group=group, defaults={"role": role}
        )
        if not new:
            return True
        address = Q(emailaddress__email=email, emailaddress__verified=True)
        recipients = User.objects.filter(Q(groups=group) if group else address, is_active=True).exclude(pk=user.pk)
        kind = UserNotice.Kind.ASSISTANT
        notify_users(recipients.values_list("pk", flat=True), kind, assistant.pk, assistant.name, by=str(user))
    return True


def unshare_assistant(user: User, assistant: Assistant, share: int) -> None:
    """Delete the share of that id."""
    require_row(Assistant.objects.owned_by(user), assistant.pk)
    assistant.shares.filter(pk=share).delete()


def set_public(user: User, assistant: Assistant, *, public: bool) -> None:
    """Offer the assistant to all signed-in users, or stop that."""
    require_row(Assistant.objects.owned_by(user), assistant.pk)
    Assistant.objects.filter(pk=assistant.pk).update(everyone=public)


def delete_assistant(user: User, assistant: Assistant) -> None:
    """Delete the assistant with its versions and shares; its conversations stay."""
    require_row(Assistant.objects.owned_by(user), assistant.pk)
    assistant.delete()


def transfer_assistants(user: User, to: User) -> int:
    """Make `to` the owner of the user's assistants, with their versions and shares; return how many.

    `to` gets a notice of each. Checks no permission: an administrator lets a user go. Must run inside a transaction.
    """
    confirmed = EmailAddress.objects.filter(user=to, verified=True).values("email")
    rows = list(Assistant.objects.filter(owner=user).select_for_update().only("name"))
    AssistantShare.objects.filter(Q(email__in=confirmed) | Q(email=to.email), assistant__in=rows).delete()
    for row in rows:
        Assistant.objects.filter(pk=row.pk).update(owner=to)
        notify_users([to.pk], UserNotice.Kind.ASSISTANT, row.pk, row.name, handed_over=True)
    return len(rows)


def _lock(user: User, assistant: Assistant) -> Assistant:
    row = Assistant.objects.select_for_update().get(pk=assistant.pk)
    require_row(Assistant.objects.editable_by(user), row.pk)
    return row


def _record_first(row: Assistant) -> None:
    """Record the state before the first change as a version."""
    if not row.versions.exists():
        _save_version(row, row.owner)


def _save_version(row: Assistant, author: User | None) -> None:
    """Store the state of the assistant as a version, and delete those beyond MAX_VERSIONS."""
    content: dict[str, Any] = {name: getattr(row, name) for name in VERSIONED_FIELDS}
    content["collections"] = [str(pk) for pk in row.collections.order_by("pk").values_list("pk", flat=True)]
    AssistantVersion.objects.create(assistant=row, number=row.version, content=content, author=author)
    old = row.versions.order_by("-number").values_list("pk", flat=True)[MAX_VERSIONS:]
    AssistantVersion.objects.filter(pk__in=list(old)).delete()
