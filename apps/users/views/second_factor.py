"""Pages of a user's second factor and devices, and the steps of a sign-in after the password."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.lib.db import encrypted_fields
from apps.users import sessions
from apps.users.models import User
from apps.users.permissions import get_signed_in_user, has_provider_account, password_required
from apps.users.second_factor import codes, factors, passkeys, requirement
from apps.users.second_factor.adapter import MfaAdapter
from apps.users.second_factor.forms import AppForm, PasskeyForm, PasskeyNameForm
from apps.users.second_factor.stages import CodeStage, SetUpStage

_SECRET_KEY = "new_app_secret"  # noqa: S105 - of a session: encrypted secret of the app that is being added
_Type = Authenticator.Type


@method_decorator(login_stage_required(stage=CodeStage.key, redirect_urlname="account_login"), name="dispatch")
class SecondFactorView(AuthenticateView):  # type: ignore[misc]
    """Page that asks for the second factor after the password."""

    template_name = "users/second_factor.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Set by the decorator. The factor may have been removed, or the password changed, meanwhile.
        stage = request._login_stage  # type: ignore[attr-defined]
        if not stage.is_current() or not requirement.has_factor(stage.login.user):
            return cast(HttpResponse, stage.abort())
        return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = factors.list_factors(self.stage.login.user)
        kinds = {row.type for row in found}
        return {
            **super().get_context_data(**kwargs),
            "has_app": _Type.TOTP in kinds,
            "has_passkey": _Type.WEBAUTHN in kinds and passkeys.are_possible(),
        }


class PasskeySignInView(LoginWebAuthnView):  # type: ignore[misc]
    """Sign-in with a passkey alone: GET returns the options for the browser, POST signs in."""


@method_decorator(never_cache, name="dispatch")
class PasskeyReauthenticateView(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Passkey in place of the password that sensitive pages ask for again: GET returns the options, POST continues."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return JsonResponse({"request_options": passkeys.begin_verified(get_signed_in_user(request))})

    def form_invalid(self, form: Any) -> HttpResponse:
        for text in form.errors.get("credential", []):
            messages.error(self.request, text)
        return HttpResponseRedirect(str(self.passthrough_next_url(reverse("account_reauthenticate"))))


@never_cache
@login_required
@require_safe
def show_security(request: HttpRequest) -> HttpResponse:
    """Show the second factors, the recovery codes left, and the devices of the user."""
    user = get_signed_in_user(request)
    found = factors.list_factors(user)
    context = {
        "factors": found,
        "standing_alone": {row.pk for row in passkeys.list_standing_alone(user)},
        "codes_left": codes.count_recovery_codes(user) if found else 0,
        "is_required": requirement.is_required(user),
        "may_add": factors.may_add(user),
        "has_provider": has_provider_account(user),
        "devices": sessions.list_devices(user, request.session.session_key),
    }
    return render(request, "users/security.html", context)


@never_cache
@login_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_factor(request: HttpRequest) -> HttpResponse:
    """Show how to add an app or a passkey; a POST adds one."""
    user = get_signed_in_user(request)
    if not factors.may_add(user):
        raise PermissionDenied
    added, made, context = _take_factor(request, user)
    if not added:
        return _render_set_up(request, context)
    messages.success(request, gettext("Second factor added."))
    if made:
        codes.show_fresh_recovery_codes(request)
        return redirect("users:recovery_codes")
    return redirect("users:security")


@login_stage_required(stage=SetUpStage.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_up_at_sign_in(request: HttpRequest) -> HttpResponse:
    """Show the set-up to a user whose role needs a second factor; a POST adds it and ends the sign-in."""
    stage = request._login_stage  # type: ignore[attr-defined]
    user = stage.login.user
    if not stage.is_current() or requirement.has_factor(user):
        return cast(HttpResponse, stage.abort())
    added, _, context = _take_factor(request, user)
    if not added:
        return _render_set_up(request, {**context, "at_sign_in": True, "email": user.email})
    response: HttpResponse = stage.exit()
    if not request.user.is_authenticated:
        return response
    codes.show_fresh_recovery_codes(request)
    following = urlencode({"next": response["Location"]})
    return redirect(f"{redirect('users:recovery_codes')['Location']}?{following}")


def _take_factor(request: HttpRequest, user: User) -> tuple[bool, bool, dict[str, Any]]:
    """Add what the POST holds. Return whether something was added, whether recovery codes were made, and the context of
    the page with its errors."""
    is_passkey = request.method == "POST" and "credential" in request.POST
    is_app = request.method == "POST" and not is_passkey
    secret = _get_secret(request, renew=request.method != "POST")
    app = AppForm(request.POST if is_app else None, secret=secret)
    passkey = PasskeyForm(request.POST if is_passkey else None)
    if is_app and not factors.has_app(user) and app.is_valid():
        request.session.pop(_SECRET_KEY, None)
        return True, factors.add_app(user, secret, app.step), {}
    if is_passkey and passkey.is_valid():
        return True, factors.add_passkey(user, passkey.cleaned_data["name"], passkey.cleaned_data["credential"]), {}
    context: dict[str, Any] = {"app": app, "passkey": passkey}
    if not factors.has_app(user):
        side, path = codes.draw_qr_code(MfaAdapter().build_totp_url(user, secret))
        key = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        context |= {"offers_app": True, "qr_side": side, "qr_path": path, "key": key}
    if passkeys.are_possible():
        context |= {"offers_passkey": True, "options": passkeys.begin_registration(user)}
    return False, False, context


def _get_secret(request: HttpRequest, *, renew: bool) -> str:
    """Return the secret of the app that is being added. The session holds it encrypted."""
    stored = encrypted_fields.decrypt(request.session.get(_SECRET_KEY, ""))
    if renew or not stored or isinstance(stored, encrypted_fields.UndecryptableText):
        stored = generate_totp_secret()
        request.session[_SECRET_KEY] = encrypted_fields.encrypt(stored)
    return str(stored)


def _render_set_up(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    status = 400 if request.method == "POST" else 200
    return render(request, "users/second_factor_set_up.html", context, status=status)


@login_required
@require_POST
@password_required
def remove_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an app or a passkey of the user."""
    try:
        factors.remove_factor(get_signed_in_user(request), pk)
    except Authenticator.DoesNotExist:
        raise Http404 from None
    except factors.FactorNeeded:
        messages.error(request, gettext("Your role needs a second factor. Add another one before you remove this one."))
    else:
        messages.success(request, gettext("Second factor removed."))
    return redirect("users:security")


@never_cache
@login_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def rename_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form of a passkey's name; a POST renames it."""
    user = get_signed_in_user(request)
    try:
        row = factors.get_passkey(user, pk)
        form = PasskeyNameForm(request.POST if request.method == "POST" else None, initial={"name": row.wrap().name})
        if request.method == "POST" and form.is_valid():
            factors.rename_passkey(user, pk, form.cleaned_data["name"])
            messages.success(request, gettext("Passkey renamed."))
            return redirect("users:security")
    except Authenticator.DoesNotExist:
        raise Http404 from None
    context = {"form": form, "passkey": row}
    return render(request, "users/passkey_rename.html", context, status=400 if form.errors else 200)


@never_cache
@login_required
@require_safe
def show_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, for ten minutes in the session that made them."""
    found = codes.list_fresh_recovery_codes(request, get_signed_in_user(request))
    if not found:
        return redirect("users:security")
    following = get_next_redirect_url(request) or ""
    if not url_has_allowed_host_and_scheme(following, allowed_hosts=None):
        following = ""
    return render(request, "users/recovery_codes.html", {"codes": found, "next": following})


@never_cache
@login_required
@require_safe
def download_codes(request: HttpRequest) -> HttpResponse:
    """Return new recovery codes as a text file, as long as their page shows them."""
    found = codes.list_fresh_recovery_codes(request, get_signed_in_user(request))
    if not found:
        raise Http404
    text = gettext("Recovery codes for Openbook. Each works once, in place of the code of your app.")
    response = HttpResponse("\n".join([text, "", *found, ""]), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="openbook-recovery-codes.txt"'
    return response


@login_required
@require_POST
@password_required
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes and show the new ones."""
    factors.renew_codes(get_signed_in_user(request))
    codes.show_fresh_recovery_codes(request)
    return redirect("users:recovery_codes")


@login_required
@require_POST
def end_device(request: HttpRequest, key: str) -> HttpResponse:
    """Sign the user out on one device."""
    if sessions.end_device(get_signed_in_user(request), key):
        messages.success(request, gettext("Signed out there."))
    return redirect("users:security")


@login_required
@require_POST
def end_other_devices(request: HttpRequest) -> HttpResponse:
    """Sign the user out on all devices but this one."""
    sessions.end_other_devices(get_signed_in_user(request), request.session.session_key)
    messages.success(request, gettext("Signed out on all other devices."))
    return redirect("users:security")
