"""Page of a user's own address; pages on accounts and invitations for administrators."""

from __future__ import annotations

import logging

from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.lib.outgoing_email import is_email_configured
from apps.lib.table import Column, read_table_request
from apps.users import invitations
from apps.users.accounts import AccountState, LastAdministrator, confirm_address, list_users, reinstate_user, set_role
from apps.users.forms import InvitationForm
from apps.users.models import Invitation, JoinRequest, SiteSettings, User
from apps.users.permissions import administrator_required, get_signed_in_user, password_required
from apps.users.second_factor import factors, requirement
from apps.users.special_permissions import SpecialPermission

USER_COLUMNS = (
    Column("name", gettext_lazy("User"), ("shown_name", "email")),
    Column("role", gettext_lazy("Role"), ("role", "shown_name")),
    Column("seen", gettext_lazy("Last sign-in"), ("last_login",)),
    Column("state", gettext_lazy("State"), ("is_active", "confirmed")),
)
LAST_ADMINISTRATOR = gettext_lazy(
    "This is the last administrator who can sign in. Make another user an administrator first."
)

log = logging.getLogger(__name__)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_own_address(request: HttpRequest) -> HttpResponse:
    """Show the user's address and whether it is verified; a POST mails the verification link."""
    user = get_signed_in_user(request)
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
    if request.method == "POST" and not address.verified:
        send_verification_email_to_address(request, address)  # with its own message; once in three minutes
        return redirect("account_email")
    return render(request, "account/email.html", {"confirmed": address.verified})


@administrator_required
@require_http_methods(["GET", "HEAD", "POST"])
def show_users(request: HttpRequest) -> HttpResponse:
    """List users and open invitations; a POST creates an invitation and shows its link once."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        link = invitations.create_invitation(get_signed_in_user(request), email)
        return render_users(request, InvitationForm(), link, email)
    return render_users(request, form)


@administrator_required
@require_POST
@password_required
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Give an open or expired invitation a new link, mail it, and show it once."""
    try:
        link, email = invitations.renew_invitation(pk, get_signed_in_user(request))
    except Invitation.DoesNotExist:
        raise Http404 from None
    return render_users(request, InvitationForm(), link, email)


def render_users(request: HttpRequest, form: InvitationForm, fresh: str = "", email: str = "") -> HttpResponse:
    """Return the page; with a `fresh` link for that address, which is mailed and shown once."""
    mailed = _mail_invitation(request, fresh, email) if email else ""
    table = read_table_request(request.GET, USER_COLUMNS, {"role": User.Role.values, "state": AccountState.values})
    context = {
        "table": table,
        "page": table.paginate(list_users(table.text, table.filters["role"], table.filters["state"])),
        "roles": User.Role.choices,
        "states": AccountState.choices,
        "invitations": Invitation.objects.filter(used_by__isnull=True).select_related("invited_by"),
        "waiting": JoinRequest.objects.all(),
        "mails": is_email_configured(),
        "signup": SiteSettings.current(),
        "form": form,
        "fresh": fresh,
        "fresh_label": _describe_link(email),
        "mailed": mailed,
    }
    return render(request, "users/people.html", context, status=400 if form.errors else 200)


@administrator_required
@never_cache
@require_safe
def show_user(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the account of a user, with all that an administrator can change about it."""
    found = get_object_or_404(list_users(), pk=pk)
    context = {
        "found": found,
        "roles": User.Role.choices,
        "factors": factors.list_factors(found),
        "needs_factor": requirement.is_required(found),
        "groups": [(group, group in found.groups.all()) for group in Group.objects.order_by("name")],
    }
    return render(request, "users/user.html", context)


def _describe_link(email: str) -> str:
    """Return the label of a new invitation's link, which is for that address; "": for anyone."""
    if not email:
        return gettext("One user can sign up with this link within 14 days. Copy it now: it is not shown again.")
    words = gettext("Only %(email)s can sign up with this link, within 14 days. Copy it now: it is not shown again.")
    return words % {"email": email}


def _mail_invitation(request: HttpRequest, link: str, email: str) -> str:
    """Mail the link; on failure add a warning to the page. Return the address it was sent to, "" on failure."""
    try:
        if invitations.send_invitation(link, email, get_signed_in_user(request)):
            return email
        words = gettext("No e-mail was sent, because this site has no mail server. Send the link yourself.")
    except OSError as error:  # base of smtplib's errors
        log.warning("An invitation could not be mailed: %s", error)
        words = gettext("The mail server did not accept the invitation. Send the link yourself.")
    messages.warning(request, words)
    return ""


@administrator_required
@require_POST
def revoke_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke an invitation that was not used."""
    invitations.revoke_invitation(pk, get_signed_in_user(request))
    messages.success(request, gettext("Invitation revoked."))
    return redirect("users:people")


@administrator_required
@require_POST
@password_required
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the role of a user; the last active administrator keeps theirs."""
    user, by, role = get_object_or_404(User, pk=pk), get_signed_in_user(request), request.POST.get("role", "")
    if role not in User.Role.values:
        messages.error(request, gettext("This role does not exist."))
        return redirect("users:user", pk)
    try:
        set_role(user, role, by)
    except LastAdministrator:
        messages.error(request, LAST_ADMINISTRATOR)
        return redirect("users:user", pk)
    messages.success(request, gettext("Saved."))
    if user.pk == by.pk and role != User.Role.ADMINISTRATOR:
        return redirect("/")  # the pages of users do not exist for them any more
    return redirect("users:user", pk)


@administrator_required
@require_POST
def reinstate(request: HttpRequest, pk: int) -> HttpResponse:
    """Reactivate an account. Suspending needs a reason and a time: `apps.safety.views.suspensions`."""
    reinstate_user(get_object_or_404(User, pk=pk), get_signed_in_user(request))
    messages.success(request, gettext("Suspension lifted."))
    return redirect("users:user", pk)


@administrator_required
@require_POST
@password_required
def change_special_permission(request: HttpRequest, pk: int, permission: SpecialPermission) -> HttpResponse:
    """Give a member of the staff the special permission `permission`, or withdraw it."""
    user, given = get_object_or_404(User, pk=pk), request.POST.get("named") == "yes"
    if given and not user.is_staff:
        messages.error(request, gettext("Only reviewers and administrators can have this permission."))
    else:
        permission.assign(user, given, get_signed_in_user(request))
    return redirect("users:user", pk)


@administrator_required
@require_POST
@password_required
def take_off_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the second factor of another user who lost it, and end their sessions."""
    user, by = get_object_or_404(User, pk=pk), get_signed_in_user(request)
    if user.pk == by.pk:
        return redirect("users:security")  # one's own, by the rules for everyone
    if factors.take_off(user, by):
        messages.success(
            request,
            gettext("The second factor of %(user)s was removed. The user is signed out everywhere.") % {"user": user},
        )
    return redirect("users:user", pk)


@administrator_required
@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark the address of a user as verified, on the word of an administrator who knows them."""
    user = get_object_or_404(User, pk=pk)
    confirm_address(user, get_signed_in_user(request))
    messages.success(
        request,
        gettext("%(email)s confirmed. %(user)s can now open what was shared with this address.")
        % {"email": user.email, "user": user},
    )
    return redirect("users:user", pk)
