"""Page of all conversations, with bulk actions.

`/conversations/all/` renders `conversations/history/list.html`. Its context:

- `rows`: conversations with `answering`, `unread` and, after a search, `hits`
- `query`, `folders`, `folder`
- `tags`: those offered as a filter; `tag`: the chosen one, or ""
- `show`: "", "pinned", "archived", "deleted" or the id of a folder
- `after`: the position from which the list continues; an htmx request with it gets only the rows after it

POST `/conversations/change/` takes `do` and `id` (any number of them) and redirects to `back`, or answers htmx
without content.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.views.decorators.http import require_GET, require_POST

from apps.conversations.core.requests import parse_id_or_none
from apps.conversations.history import conversation_actions, folders, full_text_search, tags
from apps.conversations.history.full_text_search import MessageHit
from apps.conversations.history.paging import get_page
from apps.conversations.history.sidebar import annotate_activity
from apps.conversations.models import Conversation, ConversationQuerySet, Folder
from apps.lib.text.number_parsing import parse_number
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

_LISTED = 100  # conversations of one page
_MOST = 10_000  # conversations of one bulk action
_SNIPPETS = 3  # snippets of one conversation
_RESTORED = ngettext_lazy("%(n)s conversation restored.", "%(n)s conversations restored.", "n")


@login_required
@require_GET
def list_conversations(request: HttpRequest) -> HttpResponse:
    """Show all conversations, or those of `?show=` and `?tag=`; with `?q=`, search results with snippets."""
    user = get_signed_in_user(request)
    query, show = request.GET.get("q", "").replace("\0", "").strip()[:200], request.GET.get("show", "")
    folder = Folder.objects.filter(owner=user, pk=parse_number(show)).first() if show.isdecimal() else None
    after, by = request.GET.get("after", ""), "deleted" if show == "deleted" else "changed"
    tag = request.GET.get("tag", "").replace("\0", "")[: tags.TAG_CHARACTERS]
    listed = tags.filter_by_tag(_filter_rows(user, show, folder), tag)
    rows, end = (search_conversations(user, query), "") if query else get_page(listed, _LISTED, after, by)
    context: dict[str, Any] = {
        "rows": rows, "after": end, "query": query, "show": show, "folder": folder, "tag": tag,
    }  # fmt: skip
    if after and request.headers.get("HX-Request"):
        return render(request, "conversations/history/_result_rows.html", context)
    context |= {"folders": list(Folder.objects.filter(owner=user)), "tags": tags.list_tags(user, also=tag)}
    return render(request, "conversations/history/list.html", context)


@login_required
@require_POST
def change_conversations(request: HttpRequest) -> HttpResponse:
    """Do the action `do` of the form with those of its conversations (`id`) that are the user's."""
    user, form = get_signed_in_user(request), request.POST
    pks = [pk for value in form.getlist("id")[:_MOST] if (pk := parse_id_or_none(value))]
    do = form.get("do", "")
    if do == "delete":
        return _delete(request, user, pks)
    if do in _CHANGES:
        change, described = _CHANGES[do]
        words = str(described % {"n": change(user, pks)})
    else:
        words = _ACTIONS[do](user, pks, form) if do in _ACTIONS else ""
    if request.headers.get("HX-Request"):  # the list itself shows what changed
        return HttpResponse(status=204)
    if words:
        messages.success(request, words)
    return _redirect_back(request)


@login_required
@require_POST
def change_folder(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename or delete the folder; its conversations stay."""
    row = get_object_or_404(Folder, owner=get_signed_in_user(request), pk=pk)
    if request.POST.get("do") == "delete":
        row.delete()
        messages.success(request, gettext("Folder removed. Its conversations are back in the list."))
        return redirect("conversations:all")
    if not folders.rename_folder(get_signed_in_user(request), row, request.POST.get("name", "")):
        messages.error(request, gettext("Enter a name that none of your other folders has."))
    return _redirect_back(request)


def search_conversations(user: User, query: str) -> list[Conversation]:
    """Return the conversations that match the query, title matches first, each with its `hits`."""
    hits: dict[UUID, list[MessageHit]] = {}
    for hit in full_text_search.search_messages(user, query):
        hits.setdefault(hit.message.conversation_id, []).append(hit)
    titled = [row.pk for row in full_text_search.search_titles(user, query)]
    pks = list(dict.fromkeys([*titled, *hits]))
    rows = annotate_activity(Conversation.objects.visible_to(user)).in_bulk(pks)
    for row in rows.values():
        row.hits = hits.get(row.pk, [])[:_SNIPPETS]  # type: ignore[attr-defined]
    return [rows[pk] for pk in pks if pk in rows]


def _filter_rows(user: User, show: str, folder: Folder | None) -> ConversationQuerySet:
    if show == "deleted":
        return annotate_activity(Conversation.objects.owned_by(user).filter(deleted__isnull=False))
    rows = annotate_activity(Conversation.objects.visible_to(user)).select_related("folder")
    if show == "archived":
        return rows.filter(archived__isnull=False)
    if show == "pinned":
        return rows.filter(pinned__isnull=False)
    return rows.filter(folder=folder) if folder else rows.filter(archived__isnull=True)


def _delete(request: HttpRequest, user: User, pks: list[UUID]) -> HttpResponse:
    at, count = conversation_actions.delete_conversations(user, pks)
    if count:  # the template renders an undo button with this time
        messages.success(
            request,
            ngettext("%(n)s conversation deleted.", "%(n)s conversations deleted.", count) % {"n": count},
            extra_tags=at.isoformat(),
        )
    return _redirect_back(request)


def _restore_deleted(user: User, _: list[UUID], form: Any) -> str:
    at = parse_datetime(form.get("at", ""))
    count = conversation_actions.undelete_batch(user, at) if isinstance(at, datetime) and at.tzinfo else 0
    return str(_RESTORED % {"n": count}) if count else gettext("It is too late to undo this.")


def _move(user: User, pks: list[UUID], form: Any) -> str:
    value = form.get("folder", "")
    into = Folder.objects.filter(owner=user, pk=parse_number(value)).first() if value.isdecimal() else None
    into = folders.get_or_create_folder(user, form.get("name", "")) or into
    count = folders.move_to_folder(user, pks, into)
    if into:
        words = ngettext("%(n)s conversation moved to %(into)s.", "%(n)s conversations moved to %(into)s.", count)
        return words % {"n": count, "into": into}
    words = ngettext("%(n)s conversation removed from folders.", "%(n)s conversations removed from folders.", count)
    return words % {"n": count}


# Function that changes conversations and returns their number, and the words for that number.
_CHANGES: dict[str, tuple[Callable[[User, list[UUID]], int], Any]] = {
    "pin": (
        conversation_actions.pin_conversations,
        ngettext_lazy("%(n)s conversation pinned.", "%(n)s conversations pinned.", "n"),
    ),
    "unpin": (
        partial(conversation_actions.pin_conversations, pinned=False),
        ngettext_lazy("%(n)s conversation unpinned.", "%(n)s conversations unpinned.", "n"),
    ),
    "archive": (
        conversation_actions.archive_conversations,
        ngettext_lazy("%(n)s conversation archived.", "%(n)s conversations archived.", "n"),
    ),
    "unarchive": (
        partial(conversation_actions.archive_conversations, archived=False),
        ngettext_lazy("%(n)s conversation unarchived.", "%(n)s conversations unarchived.", "n"),
    ),
    "bring_back": (conversation_actions.undelete, _RESTORED),
}
_ACTIONS: dict[str, Callable[[User, list[UUID], Any], str]] = {"restore": _restore_deleted, "move": _move}


def _redirect_back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "")
    known = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(back if known and back.startswith("/") else "conversations:all")
