"""Views that make the site installable as an app: manifest, service worker, offline page, target of shares."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.conversations.history.views import SHARED_FIELDS
from apps.documents.web.collection_views import ACCEPT

ACCENT, PAPER = "#0c6558", "#fdfcfa"  # --accent and --paper of static/css/variables.css
_WORKER = Path("js", "service-worker.js")


@require_safe
@cache_control(public=True, no_cache=True)
def serve_manifest(request: HttpRequest, code: str) -> HttpResponse:
    """Return the manifest in that language; browsers fetch it without cookies. Raises Http404."""
    start = reverse("conversations:new")
    with translation.override(_language(code)):
        return JsonResponse(
            {
                "id": start, "start_url": start, "scope": start, "display": "standalone", "lang": code,
                "name": gettext("Openbook: answers from your documents"), "short_name": "Openbook",
                "description": gettext("Answers from your documents, with links to the sources."),
                "theme_color": ACCENT, "background_color": PAPER, "icons": _icons(),
                "share_target": {
                    "action": reverse("operations:share"), "method": "POST", "enctype": "multipart/form-data",
                    "params": {
                        **{name: name for name in SHARED_FIELDS},
                        "files": [{"name": "files", "accept": ["image/*", *ACCEPT.split(",")]}],
                    },
                },
            },
            content_type="application/manifest+json",
        )  # fmt: skip


@require_safe
@cache_control(public=True, no_cache=True)
def serve_service_worker(request: HttpRequest) -> HttpResponse:
    """The script of `static/js/service-worker.js`: from here it may speak for the whole site."""
    text = (settings.STATICFILES_DIRS[0] / _WORKER).read_text()
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


@csrf_exempt  # the operating system has no token; nothing is read or changed
@require_POST
def receive_share(request: HttpRequest) -> HttpResponse:
    """Redirect to a new chat with a notice: shares arrive here only if there is no service worker to take them."""
    messages.warning(request, gettext("What you shared did not arrive. Share it again, or attach it here."))
    return redirect("conversations:new")


@require_safe
@cache_control(public=True, no_cache=True)
def show_offline_page(request: HttpRequest, code: str) -> HttpResponse:
    """Return the offline page in that language. It is cached by the service worker, so it holds no user data.

    Raises Http404.
    """
    with translation.override(_language(code)):
        return render(None, "operations/offline.html")


def _language(code: str) -> str:
    if code not in dict(settings.LANGUAGES):
        raise Http404
    return code


def _icons() -> list[dict[str, str]]:
    drawn = {"src": static("icons/icon.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}
    png = [
        {"src": static(f"icons/{name}.png"), "type": "image/png", "sizes": f"{side}x{side}", "purpose": purpose}
        for name, side, purpose in (("192", 192, "any"), ("512", 512, "any"), ("maskable", 512, "maskable"))
    ]
    return [drawn, *png]
