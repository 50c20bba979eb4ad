"""Views of the directory: the address that it calls, and the page that switches it on."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from apps.administration.directory import token
from apps.users import rate_limits
from apps.users.models import DirectoryAccount, DirectoryGroup, DirectoryToken
from apps.users.models.rate_limit import LimitedResource, Rate
from apps.users.permissions import administrator_required, get_client_ip, get_signed_in_user, password_required
from apps.users.rate_limits import BucketRef, RateLimited
from apps.users.single_sign_on.provider_settings import load_provider

WRONG_TOKENS = Rate(burst=20, per_hour=60)  # a network; the right token passes even then
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@csrf_exempt  # called by programs with a token; cookies are ignored
@never_cache
def serve_scim(request: HttpRequest, path: str = "") -> HttpResponse:
    """Answer a request of the directory: 404 while SCIM is off, 401 without the token, 429 after many wrong ones."""
    row = DirectoryToken.objects.filter(pk=1).first()
    if row is None:
        return _refuse(404, "SCIM is switched off. An administrator switches it on under Settings, Directory.")
    if not token.check_token(row, request.headers.get("Authorization", "")):
        bucket = BucketRef(f"address:{get_client_ip(request)}:directory", WRONG_TOKENS, "Your network")
        try:
            rate_limits.consume_bucket(bucket, LimitedResource.SIGN_INS)
        except RateLimited as error:
            return _refuse(429, "Too many requests without the right token.", {"Retry-After": str(error.retry_s)})
        detail = "Send the token of the directory: “Authorization: Bearer obd_…”."
        return _refuse(401, detail, {"WWW-Authenticate": 'Bearer realm="SCIM"'})
    from apps.administration.directory import endpoint

    return endpoint.answer(request, path)


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_directory(request: HttpRequest) -> HttpResponse:
    """Show whether a directory is connected; a POST makes a token, in place of the one before, and shows it once.

    `replaces` is the end of the token that the page showed, so that a page that is loaded again replaces nothing.
    """
    row, fresh = DirectoryToken.objects.filter(pk=1).first(), ""
    if request.method == "POST" and request.POST.get("replaces", "") == (row.secret_suffix if row else ""):
        fresh = token.make_token(get_signed_in_user(request))
        row = DirectoryToken.objects.filter(pk=1).first()
    context = {
        "fresh": fresh,
        "token": row,
        "address": f"{settings.SITE_URL}/scim/v2/",
        "accounts": DirectoryAccount.objects.filter(removed=None).count(),
        "groups": DirectoryGroup.objects.count(),
        "provider": load_provider().issuer,
    }
    return render(request, "administration/directory.html", context)


@administrator_required
@require_POST
@password_required
def revoke_token(request: HttpRequest) -> HttpResponse:
    """Revoke the token; the directory gets no further."""
    token.revoke_token(get_signed_in_user(request))
    messages.success(request, gettext("The directory is disconnected. Its accounts and groups stay."))
    return redirect("administration:directory")


def _refuse(status: int, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    body = json.dumps({"schemas": [ERROR], "status": str(status), "detail": detail})
    return HttpResponse(body, status=status, content_type="application/scim+json", headers=headers)
