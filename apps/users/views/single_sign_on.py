"""Views of sign-in with the provider: start, callback, sign-in anew, sign-out here and by the provider."""

from __future__ import annotations

import logging
import time
from typing import Any

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, resume_request
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LogoutView
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.users.permissions import get_signed_in_user, has_provider_account, signed_in_anew
from apps.users.single_sign_on import sign_out
from apps.users.single_sign_on.adapter import refuse
from apps.users.single_sign_on.provider import SiteOidcAdapter, SiteOidcProvider, is_configured, leave_site
from apps.users.single_sign_on.provider_settings import load_provider

log = logging.getLogger(__name__)


@never_cache
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Send the visitor to the provider."""
    return _send(request)


@never_cache
@require_safe
def finish(request: HttpRequest) -> HttpResponse:
    """Take the visitor back from the provider, signed in or with a reason why not."""
    if not is_configured():
        raise Http404
    response: HttpResponse = OAuth2CallbackView.adapter_view(SiteOidcAdapter(request, load_provider().issuer))(request)
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Ask a user who has no password to sign in at the provider anew; then continue what they wanted."""
    user = get_signed_in_user(request)
    if not is_configured() or not has_provider_account(user):
        raise Http404
    if request.method == "POST":
        return _send(request, started=int(time.time()))
    if signed_in_anew(request) and did_recently_reauthenticate(request):
        resumed: HttpResponse | None = resume_request(request)
        return resumed or HttpResponseRedirect("/")
    context = {"provider": load_provider().name, "next": get_next_redirect_url(request) or ""}
    return render(request, "users/single_sign_on_reauthenticate.html", context)


@csrf_exempt
@never_cache
@require_POST
def end_by_provider(request: HttpRequest) -> HttpResponse:
    """Answer the provider's back-channel logout: 200 once the sessions have ended, 400 for an invalid token."""
    if not is_configured():
        raise Http404
    try:
        sign_out.end_by_logout_token(request.POST.get("logout_token", ""))
    except sign_out.InvalidLogoutToken as error:
        log.warning("A logout token of the provider was refused: %s", error)
        return JsonResponse({"error": "invalid_request"}, status=400)
    return HttpResponse()


class SignOutView(LogoutView):  # type: ignore[misc]
    """Sign-out that also ends the session at the provider, if the user signed in there."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        address = sign_out.build_sign_out_address(self.request)
        response: HttpResponse = super().post(*args, **kwargs)
        return leave_site(self.request, address) if address else response


def _send(request: HttpRequest, **state: Any) -> HttpResponse:
    if not is_configured():
        raise Http404
    try:
        return SiteOidcProvider(request).send_to_provider(request, get_next_redirect_url(request), **state)
    except (OAuth2Error, OSError) as error:
        log.warning("The provider of sign-ins does not answer: %s", error)
        return refuse(request, "failed")
