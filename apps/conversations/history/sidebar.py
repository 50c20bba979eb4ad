"""Sidebar: the user's conversations by section, with those that are being answered or unread.

Conversations outside folders have headings by date, in the time zone of the browser: Today, Yesterday, Previous 7 days,
then months. Entry points: `build_sidebar_context` (context processor), `load_sidebar`, `load_more`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, BooleanField, Case, Exists, F, OuterRef, Q, Value, When, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from apps.conversations.history.paging import encode_position, get_page, parse_position
from apps.conversations.models import Conversation, ConversationQuerySet, Folder, Message
from apps.lib.text.number_parsing import parse_number
from apps.users.i18n import get_time_zone

if TYPE_CHECKING:
    from apps.users.models import AnyUser

_SHOWN = 50  # rows of a section at first, and per further page
_MOST = 2_000  # rows of a section that a page can get again at once
PINNED, RECENT = "pinned", "recent"


@dataclass(slots=True)
class SidebarSection:
    """Section of the sidebar: pinned, a folder, or the other conversations."""

    key: str  # "pinned", "recent", or the folder's id
    name: str = ""  # name of the folder
    rows: list[Conversation] = field(default_factory=list)
    next_page: str = ""  # position of the next page (`paging.py`); "" if there is none


@dataclass(slots=True)
class Sidebar:
    """Sections of the sidebar; each conversation has `answering` and `unread`."""

    pinned: SidebarSection = field(default_factory=lambda: SidebarSection(PINNED))
    folders: list[SidebarSection] = field(default_factory=list)
    recent: SidebarSection = field(default_factory=lambda: SidebarSection(RECENT))

    @property
    def any(self) -> bool:
        """Return whether the sidebar lists anything."""
        return bool(self.pinned.rows or self.folders or self.recent.rows)


def build_sidebar_context(request: HttpRequest) -> dict[str, Any]:
    """Return the lazy context variable `conversations` (Sidebar), queried only if a template uses it."""
    return {"conversations": SimpleLazyObject(lambda: load_sidebar(request.user, zone=get_time_zone(request)))}


def load_sidebar(user: AnyUser, shown: Mapping[str, str] | None = None, zone: tzinfo = UTC) -> Sidebar:
    """Return the beginning of each section, and all folders.

    `shown` maps section keys to the number of rows that the page has already; `zone` is the user's time zone.
    """
    shown = shown or {}
    found, shown_counts = Sidebar(), {key: _parse_size(value) for key, value in shown.items() if key != RECENT}
    found.recent.rows, found.recent.next_page = get_page(
        _filter_section(user, RECENT), _parse_size(shown.get(RECENT, ""))
    )
    _set_headings(found.recent.rows, zone)
    folders = Folder.objects.filter(owner=user) if user.is_authenticated else Folder.objects.none()
    parts = {str(folder.pk): SidebarSection(str(folder.pk), folder.name) for folder in folders}
    for row in _load_kept_rows(user, max([_SHOWN, *shown_counts.values()])):
        key = PINNED if row.pinned else str(row.folder_id)
        part = parts.setdefault(key, SidebarSection(key))
        if len(part.rows) < shown_counts.get(key, _SHOWN):
            part.rows.append(row)
        else:
            part.next_page = part.next_page or encode_position(part.rows[-1])
    found.pinned = parts.pop(PINNED, found.pinned)
    found.folders = list(parts.values())
    return found


def load_more(user: AnyUser, key: str, after: str, zone: tzinfo = UTC) -> SidebarSection:
    """Return the next rows of a section after the position; empty if the section is not the user's."""
    rows, end = get_page(_filter_section(user, key), _SHOWN, after)
    if key == RECENT:
        before = parse_position(after)
        _set_headings(rows, zone, before[0] if before else None)
    return SidebarSection(key, rows=rows, next_page=end)


def _listable(user: AnyUser) -> ConversationQuerySet:
    rows = annotate_activity(Conversation.objects.visible_to(user).filter(archived__isnull=True))
    return rows.only("title", "owner_id", "changed", "pinned", "folder_id")


def _filter_section(user: AnyUser, key: str) -> ConversationQuerySet:
    if key == PINNED:
        return _listable(user).filter(pinned__isnull=False)
    rows = _listable(user).filter(pinned__isnull=True)
    if key == RECENT:
        return rows.filter(folder__isnull=True)
    return rows.filter(folder=parse_number(key))  # no folder has the number 0


def _load_kept_rows(user: AnyUser, size: int) -> ConversationQuerySet:
    """Return the first `size + 1` pinned conversations, and as many of each folder."""
    listed = Conversation.objects.visible_to(user).filter(archived__isnull=True)
    listed = listed.filter(Q(pinned__isnull=False) | Q(folder__isnull=False))
    lists = Case(When(pinned__isnull=False, then=Value(0)), default=F("folder"), output_field=BigIntegerField())
    order = [F("changed").desc(), F("pk").desc()]
    first = listed.annotate(nth=Window(RowNumber(), partition_by=[lists], order_by=order)).filter(nth__lte=size + 1)
    return _listable(user).filter(pk__in=first.values("pk")).order_by("-changed", "-pk")


def _set_headings(rows: Sequence[Conversation], zone: tzinfo, before: datetime | None = None) -> None:
    """Set `heading` of each row that begins a period; "" for the others. `before`: time of the row above the first."""
    today = timezone.now().astimezone(zone).date()
    last = _name_period(before.astimezone(zone).date(), today) if before else ""
    for row in rows:
        period = _name_period(row.changed.astimezone(zone).date(), today)
        row.heading = "" if period == last else period  # type: ignore[attr-defined]
        last = period


def _name_period(day: date, today: date) -> str:
    if day >= today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    if day >= today - timedelta(days=7):
        return gettext("Previous 7 days")
    return date_format(day, "YEAR_MONTH_FORMAT")


def _parse_size(value: str) -> int:
    return min(max(parse_number(value), _SHOWN), _MOST)


def annotate_activity(rows: ConversationQuerySet) -> ConversationQuerySet:
    """Annotate `answering` (an answer is being written) and `unread` (changed since its owner looked)."""
    writing = Message.objects.filter(conversation=OuterRef("pk"), status=Message.Status.WRITING)
    unread = Case(When(changed__gt=F("seen"), then=Value(True)), default=Value(False), output_field=BooleanField())
    return rows.annotate(answering=Exists(writing), unread=unread)
