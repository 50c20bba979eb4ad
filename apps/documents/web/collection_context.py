"""Context of pages about one collection: the collection, and the user's permissions on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.documents.models import Collection
from apps.users.permissions import get_signed_in_user


@dataclass(frozen=True, slots=True)
class CollectionContext:
    """Collection of a page with the user's permissions; `tab` is the open tab, for
    `documents/_collection_head.html`."""

    collection: Collection
    can_edit: bool
    is_owner: bool
    tab: str

    @property
    def context(self) -> dict[str, Any]:
        """Return the values as a template context."""
        return {
            "collection": self.collection, "can_edit": self.can_edit, "is_owner": self.is_owner, "tab": self.tab,
        }  # fmt: skip


def get_collection_context(request: HttpRequest, pk: UUID, tab: str) -> CollectionContext:
    """Return the context if the user may read the collection. Raises Http404 otherwise."""
    user = get_signed_in_user(request)
    collection = get_object_or_404(Collection.objects.visible_to(user).select_related("owner"), pk=pk)
    owns = collection.owner_id == user.pk
    can_edit = owns or Collection.objects.editable_by(user).filter(pk=pk).exists()
    is_owner = owns or (can_edit and Collection.objects.owned_by(user).filter(pk=pk).exists())
    return CollectionContext(collection, can_edit, is_owner, tab)
