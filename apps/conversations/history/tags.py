"""Tags of conversations: words by which a user sorts them, seen by this user only.

Entry points: `set_tags`, `clean_tags`, `filter_by_tag`, `list_tags`, and the view `edit_tags`.

GET `/c/<uuid>/tags/` returns the form of the dialog, POST saves its field `tags`. A saved form is answered by a message
for the page, a refused one by the form again (`HX-Retarget`), with `error`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation, ConversationQuerySet
from apps.lib.db.permissions import require_row
from apps.users.models import User
from apps.users.permissions import get_signed_in_user

MAX_TAGS = 10  # of one conversation; ten of 30 characters fit into Conversation.tags
TAG_CHARACTERS = 30
_LISTED = 30  # tags that are offered, the most used ones
_FORM = "conversations/history/_tags_form.html"


@login_required
@require_http_methods(["GET", "POST"])
def edit_tags(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the form of the tags, or save them."""
    user = get_signed_in_user(request)
    row = get_object_or_404(Conversation.objects.visible_to(user), pk=pk)
    context: dict[str, Any] = {"of": row, "tags": list_tags(user), "value": ", ".join(row.tag_list)}
    if request.method == "GET":
        return render(request, _FORM, context)
    value = request.POST.get("tags", "")
    try:
        set_tags(user, row, value)
    except RequestRefused as error:
        form = render(request, _FORM, {**context, "value": value, "error": str(error)})
        form["HX-Retarget"], form["HX-Reswap"] = "[data-tags-form]", "outerHTML"
        return form
    return render(request, "conversations/history/_tags_saved.html")


def set_tags(user: User, row: Conversation, text: str) -> None:
    """Replace the tags of the conversation by those of the text, which commas separate.

    A tag that another conversation of the user has in other letter case is stored as it is there. Raise
    PermissionDenied if the conversation is not the user's, and RequestRefused for too many or too long tags.
    """
    rows = Conversation.objects.visible_to(user)
    require_row(rows, row.pk)
    found = _split_text(text)
    if len(found) > MAX_TAGS or any(len(tag) > TAG_CHARACTERS for tag in found):
        words = gettext_lazy("Use up to %(most)s tags of up to %(characters)s characters.")
        raise RequestRefused(words, most=MAX_TAGS, characters=TAG_CHARACTERS)
    known = {tag.casefold(): tag for tag in _count_tags(rows.exclude(pk=row.pk))} if found else {}
    row.tags = _join([known.get(tag.casefold(), tag) for tag in found])
    rows.filter(pk=row.pk).update(tags=row.tags)


def clean_tags(values: Iterable[str]) -> str:
    """Return the value of `Conversation.tags` for these tags; surplus ones are left out, long ones are cut."""
    return _join(_split_text(",".join(value.replace(",", " ")[:TAG_CHARACTERS] for value in values))[:MAX_TAGS])


def filter_by_tag(rows: ConversationQuerySet, tag: str) -> ConversationQuerySet:
    """Return the conversations that have exactly this tag; all if it is empty."""
    return rows.filter(tags__contains=_join([tag])) if tag else rows


def list_tags(user: User, also: str = "") -> list[str]:
    """Return the 30 most used tags of the user's conversations, and the tag `also`, sorted by name."""
    counts = _count_tags(Conversation.objects.visible_to(user))
    found = {tag for tag, _ in counts.most_common(_LISTED)} | {also}
    return sorted(filter(None, found), key=str.casefold)


def _count_tags(rows: ConversationQuerySet) -> Counter[str]:
    stored = rows.exclude(tags="").values_list("tags", flat=True)
    return Counter(tag for tags in stored for tag in tags.split("|") if tag)


def _split_text(text: str) -> list[str]:
    """Return the tags of the text, without surplus space, leading "#" and repetitions."""
    parts = (" ".join(part.replace("|", " ").replace("\0", "").split()).lstrip("# ") for part in text.split(","))
    found: dict[str, str] = {}
    for tag in filter(None, parts):
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def _join(tags: list[str]) -> str:
    return f"|{'|'.join(tags)}|" if tags else ""
