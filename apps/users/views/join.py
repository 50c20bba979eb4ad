"""Pages on which visitors with an address of an allowed domain ask for an account, and administrators decide."""

from __future__ import annotations

import logging

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.lib.outgoing_email import is_email_configured
from apps.users import join_requests
from apps.users.forms import InvitationForm
from apps.users.join_requests import JoinClaim, JoinRefused
from apps.users.models import JoinRequest, SiteSettings
from apps.users.permissions import administrator_required, get_client_ip, get_signed_in_user, password_required
from apps.users.views.users import render_users

log = logging.getLogger(__name__)


class JoinForm(forms.Form):
    """Form of a visitor who asks for an account."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_to_join(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST mails a link or notes the request. The answer is the same for every address."""
    if request.user.is_authenticated or SiteSettings.current().signup != SiteSettings.Signup.DOMAINS:
        return redirect("account_signup")
    form = JoinForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            claim = JoinClaim(form.cleaned_data["email"], form.cleaned_data["name"])
            join_requests.ask(claim, get_client_ip(request))
        except JoinRefused as error:
            form.add_error("email", str(error))
        except OSError as error:  # base of smtplib's errors
            log.warning("A link could not be mailed: %s", error)
            form.add_error(None, gettext("The mail server did not accept the e-mail. Try again later."))
        else:
            return render(request, "account/join_done.html", {"mailed": is_email_configured()})
    context = {"form": form, "domains": SiteSettings.current().domain_list}
    return render(request, "account/join.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Show the mailed link's address with a button, so that no mail scanner confirms it; a POST confirms it."""
    claim = join_requests.read_token(token)
    if claim is None or request.method != "POST":
        return render(request, "account/join_confirm.html", {"claim": claim})
    try:
        if join_requests.confirm(request, claim):
            return redirect("account_signup")
    except JoinRefused as error:
        return render(request, "account/join_confirm.html", {"claim": claim, "error": str(error)}, status=400)
    return render(request, "account/join_done.html", {"mailed": False})


@never_cache
@administrator_required
@require_POST
@password_required
def approve_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite the visitor: mail the link, and show it once."""
    try:
        link, email = join_requests.approve(pk, get_signed_in_user(request))
    except JoinRequest.DoesNotExist:
        raise Http404 from None
    return render_users(request, InvitationForm(), link, email)


@administrator_required
@require_POST
@password_required
def decline_request(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the request. The visitor is told nothing."""
    try:
        join_requests.decline(pk, get_signed_in_user(request))
    except JoinRequest.DoesNotExist:
        raise Http404 from None
    messages.success(request, gettext("Request declined."))
    return redirect("users:people")
