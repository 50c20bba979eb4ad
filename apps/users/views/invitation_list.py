"""Page on which an administrator invites many people at once: paste, look at what is wrong, then mails or links."""

from __future__ import annotations

import csv
import io
import logging
from urllib.parse import quote

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.lib.outgoing_email import is_email_configured
from apps.users import invitation_list, invitations
from apps.users.invitation_list import InvitationLine
from apps.users.models import INVITATION_DAYS, SiteSettings, User
from apps.users.permissions import administrator_required, get_signed_in_user, password_required

log = logging.getLogger(__name__)


class InvitationListForm(forms.Form):
    """Form with the pasted list."""

    people = forms.CharField(
        label=gettext_lazy("People"),
        max_length=invitation_list.MAX_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One line for each: an address, or name, address, role, groups. Several groups are separated by |. Tables "
            "may be pasted from a spreadsheet."
        ),
    )


@administrator_required
@never_cache
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def invite_list(request: HttpRequest) -> HttpResponse:
    """Show the form, its preview, or what became of the list: with `step=links` or `step=mails` it is invited."""
    form = InvitationListForm(request.POST if request.method == "POST" else None)
    context = {
        "form": form, "mails": is_email_configured(), "days": INVITATION_DAYS, "signup": SiteSettings.current(),
        "most": invitation_list.MAX_LINES,
    }  # fmt: skip
    if not form.is_valid():
        return render(request, "users/invitation_list.html", context, status=400 if form.is_bound else 200)
    lines = invitation_list.parse_invitation_list(form.cleaned_data["people"])
    sound = [line for line in lines if not line.problems]
    step = request.POST.get("step", "")
    if step in {"links", "mails"} and sound:
        made = invitations.create_invitations(get_signed_in_user(request), sound)
        unsent = _send(made, get_signed_in_user(request)) if step == "mails" else made
        context |= {"made": made, "unsent": unsent, "download": _make_download(unsent), "sent": len(made) - len(unsent)}
    else:
        context |= {"lines": lines, "sound": len(sound), "wrong": len(lines) - len(sound)}
    return render(request, "users/invitation_list.html", context)


def _send(made: list[tuple[InvitationLine, str]], by: User) -> list[tuple[InvitationLine, str]]:
    """Mail the links; return those that could not be mailed."""
    unsent = []
    for line, link in made:
        try:
            if not invitations.send_invitation(link, line.email, by):
                unsent.append((line, link))
        except OSError as error:  # base of smtplib's errors
            log.warning("An invitation could not be mailed: %s", error)
            unsent.append((line, link))
    return unsent


def _make_download(made: list[tuple[InvitationLine, str]]) -> str:
    """Return a data: URL of a CSV with address, name and link."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("email", "name", "link"))
    writer.writerows((line.email, line.name.lstrip("=+-@\t\r"), link) for line, link in made)
    return f"data:text/csv;charset=utf-8,{quote(text.getvalue())}"
