"""Folders of conversations: create, rename, and move conversations into them. Each user has folders of their own.

Entry points: `get_or_create_folder`, `rename_folder`, `move_to_folder`. Folders are deleted in `management_views.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from apps.conversations.models import Conversation, Folder
from apps.lib.db.permissions import require_row
from apps.users.models import User

_NAME = 60  # characters of Folder.name


def get_or_create_folder(user: User, name: str) -> Folder | None:
    """Return the user's folder of that name, created if needed; None for an empty name."""
    name = _clean_name(name)
    return Folder.objects.get_or_create(owner=user, name=name)[0] if name else None


def rename_folder(user: User, folder: Folder, name: str) -> bool:
    """Rename the folder. Return False if the name is empty or another folder of its owner has it.

    Raise PermissionDenied if the folder is not the user's.
    """
    require_row(Folder.objects.filter(owner=user), folder.pk)
    name = _clean_name(name)
    if not name or Folder.objects.filter(owner=user, name=name).exclude(pk=folder.pk).exists():
        return False
    return bool(Folder.objects.filter(pk=folder.pk).update(name=name))


def move_to_folder(user: User, pks: Collection[UUID], folder: Folder | None) -> int:
    """Move conversations of the user to the folder, or out of all folders with None. Return their number.

    Other users' conversations are ignored. Raise ValueError for another user's folder.
    """
    if folder is not None and folder.owner_id != user.pk:
        raise ValueError("A folder of somebody else")
    return Conversation.objects.visible_to(user).filter(pk__in=pks).update(folder=folder)


def _clean_name(name: str) -> str:
    """Return the name without surplus space, 60 characters at most."""
    return " ".join(name.replace("\0", "").split())[:_NAME]
