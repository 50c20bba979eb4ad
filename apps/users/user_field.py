"""Text field for one user, with suggestions by name and e-mail address; for pages of administrators.

Entry points: the form field `UserField`, its widget `UserInput`, `find_user` and `suggest_users`. The page must be one
whose readers may see all accounts: the suggestions name them.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.users.accounts import list_users
from apps.users.models import User
from apps.users.permissions import administrator_required

_NAMED = 3  # users that a refusal names
SUGGESTIONS = 10  # users that are offered at once
_CHARACTERS = 400  # of a name of 120, an address of 254 and the signs between
_IN_BRACKETS = re.compile(r"<([^<>]+)>$")


class UserInput(forms.TextInput):
    """Text field whose suggestions are fetched while the administrator types; without scripts a plain text field."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        listed = f"users-for-{name}"
        given = {
            "placeholder": gettext("Name, e-mail or user number"), "maxlength": _CHARACTERS, "autocomplete": "off",
            "list": listed, "hx-get": f"{reverse('users:suggestions')}?field={name}", "hx-target": f"#{listed}",
            "hx-trigger": "focus once, input changed delay:150ms", "hx-sync": "this:replace",
        }  # fmt: skip
        field = super().render(name, value, {**given, **(attrs or {})}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', field, listed)


class UserField(forms.CharField):
    """Form field whose clean value is the user with this name, e-mail address or number; None if it may be empty."""

    widget = UserInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"label": gettext_lazy("User"), "max_length": _CHARACTERS, **options})

    def clean(self, value: Any) -> User | None:
        text = super().clean(value)
        return find_user(text) if text else None


def format_user(user: User) -> str:
    """Return the user as the field shows it, such as `Ada Lovelace <ada@example.org>`; the address without a name."""
    return f"{user.name} <{user.email}>" if user.name else user.email


def find_user(text: str) -> User:
    """Return the one user with this name, e-mail address, number, or text of `format_user`; case does not matter.

    Part of a name or e-mail address is enough if no other user matches. Raises ValidationError, which says what to
    enter instead and names the users who match.
    """
    text = text.replace("\0", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 16 and (user := User.objects.filter(pk=int(text)).first()):
        return user
    address = bracketed[1] if (bracketed := _IN_BRACKETS.search(text)) else text
    if user := User.objects.filter(email__iexact=address.strip()).first():
        return user
    matching = list(User.objects.filter(name__iexact=text).order_by("email")[: _NAMED + 1])
    if not matching and (words := _split_words(text)):
        matching = list(list_users(words).order_by("name", "email")[: _NAMED + 1])
    if not matching:
        raise ValidationError(gettext("No user has this name, e-mail address or number."))
    if len(matching) > 1:
        names = ", ".join(map(format_user, matching[:_NAMED])) + (", …" if len(matching) > _NAMED else "")
        raise ValidationError(
            gettext("Several users match (%(users)s). Enter the e-mail address or the number.") % {"users": names}
        )
    return matching[0]


def suggest_users(text: str) -> list[str]:
    """Return the first users whose name or e-mail address holds every word of `text`, as `format_user` writes them."""
    return [format_user(user) for user in list_users(_split_words(text)).order_by("name", "email")[:SUGGESTIONS]]


def _split_words(text: str) -> str:
    return re.sub(r"[<>\0]", " ", text).strip()


@administrator_required
@never_cache
@require_safe
def show_suggestions(request: HttpRequest) -> HttpResponse:
    """Return the options for what stands in the text field whose name is the parameter `field`."""
    text = request.GET.get(request.GET.get("field", ""), "")[:_CHARACTERS]
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((user,) for user in suggest_users(text))))
