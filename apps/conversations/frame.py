"""What every page of the frame shows: the person's conversations, and which of them is being answered or has news."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, Value, When
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.conversations.models import Conversation, ConversationQuerySet, Message

if TYPE_CHECKING:
    from apps.conversations.models import Reader

_RECENT = 50
_KEPT = 200  # pinned and in folders


@dataclass(slots=True)
class Listed:
    """The conversations beside the page; each has `answering` and `unread`."""

    pinned: list[Conversation] = field(default_factory=list)
    folders: dict[str, list[Conversation]] = field(default_factory=dict)
    recent: list[Conversation] = field(default_factory=list)

    @property
    def any_kept(self) -> bool:
        return bool(self.pinned or self.folders)

    @property
    def any(self) -> bool:
        return self.any_kept or bool(self.recent)


def frame(request: HttpRequest) -> dict[str, Any]:
    """`conversations`: `Listed`; asked for only where a template shows them."""
    return {"conversations": SimpleLazyObject(lambda: listed(request.user))}


def listed(user: Reader) -> Listed:
    rows = with_dots(Conversation.objects.visible_to(user).filter(archived__isnull=True).select_related("folder"))
    rows = rows.only("title", "owner_id", "changed", "pinned", "folder__name")
    kept = Q(pinned__isnull=False) | Q(folder__isnull=False)
    found = Listed(recent=list(rows.exclude(kept)[:_RECENT]))
    for row in rows.filter(kept)[:_KEPT]:
        if row.pinned:
            found.pinned.append(row)
        elif row.folder:
            found.folders.setdefault(row.folder.name, []).append(row)
    found.folders = dict(sorted(found.folders.items()))
    return found


def with_dots(rows: ConversationQuerySet) -> ConversationQuerySet:
    """`answering`: an answer is being written there; `unread`: something came since its owner looked."""
    writing = Message.objects.filter(conversation=OuterRef("pk"), status=Message.Status.WRITING)
    unread = Case(When(changed__gt=F("seen"), then=Value(True)), default=Value(False), output_field=BooleanField())
    return rows.annotate(answering=Exists(writing), unread=unread)
