"""A person's own address; people of this site and invitations, for administrators."""

from __future__ import annotations

import logging

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.users import invitations
from apps.users.access import administrators_only, person
from apps.users.duties import Duty
from apps.users.forms import ActiveForm, DutyForm, InvitationForm, RoleForm
from apps.users.models import Invitation, SiteSettings, User
from apps.users.people import LastAdministrator, everybody, reinstate, set_role, vouch

LAST = gettext_lazy("This is the last administrator who can sign in. Make somebody else an administrator first.")

log = logging.getLogger(__name__)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def email(request: HttpRequest) -> HttpResponse:
    """The address of an account, and whether it was confirmed; a POST sends the link that confirms it."""
    user = person(request)
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
    if request.method == "POST" and not address.verified:
        send_verification_email_to_address(request, address)  # says so itself; once in three minutes
        return redirect("account_email")
    return render(request, "account/email.html", {"confirmed": address.verified})


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, and open invitations; a POST makes an invitation and shows its link this once."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    fresh, mailed = "", ""
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        fresh = invitations.invite(person(request), email)
        mailed = _mail_invitation(request, fresh, email) if email else ""
        form = InvitationForm()
    context = {
        "people": everybody(),
        "roles": User.Role.choices,
        "invitations": Invitation.objects.filter(used_by__isnull=True).select_related("invited_by"),
        "signup": SiteSettings.current(),
        "form": form,
        "fresh": fresh,
        "mailed": mailed,
    }
    return render(request, "users/people.html", context, status=400 if form.errors else 200)


def _mail_invitation(request: HttpRequest, link: str, email: str) -> str:
    """Mail the link, and say on the page where that is not possible. Return the address to which it was sent."""
    try:
        if invitations.send(link, email, person(request)):
            return email
        words = gettext("No mail server is set (EMAIL_URL), so nothing was sent: hand on the link yourself.")
    except OSError as error:  # also what smtplib raises
        log.warning("An invitation could not be mailed: %s", error)
        words = gettext("The mail server did not take the invitation: hand on the link yourself.")
    messages.warning(request, words)
    return ""


@administrators_only
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    invitations.revoke(pk, person(request))
    messages.success(request, gettext("The invitation no longer works."))
    return redirect("users:people")


@administrators_only
@require_POST
def role(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("There is no such role."))
        return redirect("users:people")
    try:
        set_role(user, form.cleaned_data["role"], person(request))
    except LastAdministrator:
        messages.error(request, LAST)
    return redirect("users:people")


@administrators_only
@require_POST
def active(request: HttpRequest, pk: int) -> HttpResponse:
    """Reinstates a person. Suspending needs a reason and a time: `apps.safety.views.account_suspension`."""
    user = get_object_or_404(User, pk=pk)
    form = ActiveForm(request.POST)
    if form.is_valid() and form.cleaned_data["active"]:
        reinstate(user, person(request))
    else:
        messages.error(request, gettext("A suspension needs a reason and a time. Use the page for it."))
    return redirect("users:people")


@administrators_only
@require_POST
def named(request: HttpRequest, pk: int, duty: Duty) -> HttpResponse:
    """Names somebody who reviews for a duty, or takes that back."""
    user = get_object_or_404(User, pk=pk)
    form = DutyForm(request.POST)
    if not form.is_valid() or (form.cleaned_data["named"] and not user.is_staff):
        messages.error(request, gettext("Only somebody who reviews can be named for that."))
    else:
        duty.name(user, form.cleaned_data["named"], person(request))
    return redirect("users:people")


@administrators_only
@require_POST
def address(request: HttpRequest, pk: int) -> HttpResponse:
    """An administrator who knows the person says that the address is theirs."""
    user = get_object_or_404(User, pk=pk)
    vouch(user, person(request))
    messages.success(
        request,
        gettext("%(email)s counts as confirmed. What was shared with it is %(user)s's now.")
        % {"email": user.email, "user": user},
    )
    return redirect("users:people")
