"""What people do with assistants: make, change, restore, share. Whoever calls fetched the row through access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet

from apps.conversations.models.assistant import Assistant, AssistantShare, AssistantVersion, ShownSentences
from apps.documents.models import Collection
from apps.safety.models.strictness import Strictness
from apps.users.models import User

VERSIONED_FIELDS = (
    "name",
    "description",
    "instructions",
    "examples",
    "starters",
    "style",
    "shows",
    "preset",
    "sampling",
    "tools",
    "model",
    "safety",
)
_BEFORE: Mapping[str, Any] = {
    "model": "",
    "safety": Strictness.SITE,
    "tools": {},
    "shows": ShownSentences.AUTOMATIC,
}  # where a version is older than the field
MAX_VERSIONS = 200


class VersionConflict(Exception):
    """Somebody else saved a newer version while this one was being written."""


def create_assistant(user: User, content: Mapping[str, Any], collections: QuerySet[Collection]) -> Assistant:
    """A new assistant of this person, in its first version."""
    with transaction.atomic():
        row = Assistant.objects.create(
            owner=user, **{name: content[name] for name in VERSIONED_FIELDS if name in content}
        )
        row.collections.set(collections)
        _record(row, user)
    return row


def update_assistant(
    user: User, assistant: Assistant, content: Mapping[str, Any], collections: QuerySet[Collection], seen: int
) -> Assistant:
    """The assistant in a new version. `collections` are those that this person may read: what the assistant has beside
    them stays. Raises ChangedMeanwhile where the version that was seen is no longer the newest."""
    with transaction.atomic():
        row = _locked(assistant)
        if row.version != seen:
            raise VersionConflict
        _first(row)
        for name in content.keys() & set(VERSIONED_FIELDS):
            setattr(row, name, content[name])
        readable = Collection.objects.visible_to(user)
        hidden = row.collections.exclude(pk__in=readable.values("pk"))
        row.collections.set([*hidden, *collections])
        row.version += 1
        row.save()
        _record(row, user)
    return row


def restore_version(user: User, assistant: Assistant, number: int) -> Assistant:
    """The assistant is again what it was in that version, as a new one. Raises AssistantVersion.DoesNotExist."""
    with transaction.atomic():
        row = _locked(assistant)
        content = row.versions.get(number=number).content
        for name in VERSIONED_FIELDS:
            setattr(row, name, content.get(name, _BEFORE.get(name)))
        row.collections.set(Collection.objects.filter(pk__in=content["collections"]))
        row.version += 1
        row.save()
        _record(row, user)
    return row


def set_picture(assistant: Assistant, png: bytes) -> None:
    """Its picture; empty bytes take it away."""
    Assistant.objects.filter(pk=assistant.pk).update(picture=png)


def share_assistant(assistant: Assistant, role: str, *, email: str = "", group: Group | None = None) -> None:
    """An address or a group has this role. Whether the address has an account is not told."""
    AssistantShare.objects.update_or_create(
        assistant=assistant, email=email.lower(), group=group, defaults={"role": role}
    )


def unshare_assistant(assistant: Assistant, share: int) -> None:
    assistant.shares.filter(pk=share).delete()


def _locked(assistant: Assistant) -> Assistant:
    return Assistant.objects.select_for_update().get(pk=assistant.pk)


def _first(row: Assistant) -> None:
    """What an assistant was before anybody changed it is a version too."""
    if not row.versions.exists():
        _record(row, row.owner)


def _record(row: Assistant, by: User | None) -> None:
    content: dict[str, Any] = {name: getattr(row, name) for name in VERSIONED_FIELDS}
    content["collections"] = [str(pk) for pk in row.collections.order_by("pk").values_list("pk", flat=True)]
    AssistantVersion.objects.create(assistant=row, number=row.version, content=content, by=by)
    old = row.versions.order_by("-number").values_list("pk", flat=True)[MAX_VERSIONS:]
    AssistantVersion.objects.filter(pk__in=list(old)).delete()
