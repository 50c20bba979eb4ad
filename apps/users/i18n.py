"""Choose the language of pages, sockets, mails and stored messages.

Order: the choice of the user, the cookie of the browser, its Accept-Language header, LANGUAGE_CODE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.cookie import parse_cookie
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, trans_real
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from django.views.i18n import JavaScriptCatalog

from apps.lib.text import message_templates
from apps.lib.text.stored_text import StoredText
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Next = Callable[[HttpRequest], HttpResponse]
YEAR_S = 365 * 24 * 3600
TIME_ZONE_COOKIE = "timezone"  # set by static/js/pages/base.js
SCRIPT_TEXTS_S = 600  # seconds that a browser caches the texts of the scripts


def user_language_middleware(get_response: Next) -> Next:
    """Return middleware that activates the language of the signed-in user. Must follow those of sign-in and locale."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if language := get_chosen_language(request.user):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        response = get_response(request)
        patch_vary_headers(response, ["Cookie"])
        return response

    return middleware


def get_chosen_language(user: object) -> str:
    """Return the language code that the user chose; "" without a choice, and for anonymous users."""
    return user.language if isinstance(user, User) and user.language in dict(settings.LANGUAGES) else ""


def get_time_zone(request: HttpRequest) -> tzinfo:
    """Return the time zone that the browser named in its cookie; UTC if it named none that is known."""
    try:
        return ZoneInfo(request.COOKIES.get(TIME_ZONE_COOKIE, "").replace("%2F", "/") or "UTC")
    except (ValueError, OSError, KeyError):  # a name that leads nowhere, or out of the folder of zones
        return UTC


def get_socket_language(user: User, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the language code for a socket connection, by the same order as for pages: no middleware runs there."""
    values = {name: value.decode("latin-1") for name, value in headers}
    chosen = get_chosen_language(user) or parse_cookie(values.get(b"cookie", "")).get(settings.LANGUAGE_COOKIE_NAME, "")
    accepted = values.get(b"accept-language", "").lower()
    for language in [chosen, *(code for code, _weight in trans_real.parse_accept_lang_header(accepted))]:
        try:
            return translation.get_supported_language_variant(language)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


@contextmanager
def use_language_of(user: User | None) -> Iterator[None]:
    """Activate the language of the user within the block; that of the site if there is none."""
    with translation.override(get_chosen_language(user) or settings.LANGUAGE_CODE):
        yield


def lower_label(label: StrOrPromise) -> str:
    """Return a label for use inside a sentence: in lower case, except in German."""
    return str(label) if translation.get_language() == "de" else str(label).lower()


def translate_stored(words: object) -> str:
    """Return a sentence for users, stored or of a refusal, in the active language.

    Lines of a stored text are translated by their templates, other text as a whole, with its values, or line by line.
    Lines without a translation stay.
    """
    if isinstance(words, StoredText):
        return " ".join(gettext(line) % values if values else gettext(line) for line, values in words.lines if line)
    whole = _put_in(str(words)) if words else ""
    return " ".join(map(_put_in, filter(None, whole.splitlines()))) if "\n" in whole else whole


def _put_in(text: str) -> str:
    """Return the translation of a text. For a text with values (`apps.lib.text.message_templates`), translate its
    template and fill in the values."""
    translated = gettext(text)
    if translated != text or (found := message_templates.match_template(text)) is None:
        return translated
    return gettext(found[0]) % found[1]


@require_http_methods(["GET", "HEAD", "POST"])
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the chosen language in the account and a cookie, and redirect back; "" means that of the browser.

    An unknown language is status 400. A GET, of the page that former releases had here, redirects to the start page.
    """
    chosen, back = request.POST.get("language", ""), request.POST.get("next", "")
    if chosen and chosen not in dict(settings.LANGUAGES):
        return HttpResponseBadRequest()
    response = redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else "conversations:new")
    if request.method != "POST":
        return response
    if isinstance(request.user, User):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    _remember(response, chosen)
    return response


@require_safe
@cache_control(private=True, max_age=SCRIPT_TEXTS_S)
def serve_script_texts(request: HttpRequest, code: str) -> HttpResponseBase:
    """Return the JavaScript catalogue of a language, which `static/js/lib/i18n.js` loads. Raises Http404 for an unknown
    one."""
    if code not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(code):
        return JavaScriptCatalog.as_view()(request)


def _remember(response: HttpResponse, chosen: str) -> None:
    name = settings.LANGUAGE_COOKIE_NAME
    if not chosen:
        response.delete_cookie(name, samesite="Lax")
        return
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(name, chosen, max_age=YEAR_S, secure=secure, httponly=True, samesite="Lax")
