"""Page on which administrators set the mail server, with a test mail."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.lib.refusals import show_refusals
from apps.operations import mail_server
from apps.safety.errors import ActionRefused
from apps.users.models import MailServer
from apps.users.permissions import administrator_required, get_signed_in_user, password_required


class MailServerForm(forms.Form):
    """Form of the mail server. An empty password keeps the stored one, unless the host is another."""

    host = forms.CharField(label=gettext_lazy("Server"), max_length=253)
    port = forms.IntegerField(label=gettext_lazy("Port"), min_value=1, max_value=65535, initial=587)
    security = forms.ChoiceField(label=gettext_lazy("Encryption"), choices=MailServer.Security.choices)
    username = forms.CharField(label=gettext_lazy("User name"), max_length=255, required=False)
    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=500, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Stored encrypted, and never shown again."),
    )  # fmt: skip
    sender = forms.EmailField(label=gettext_lazy("Sender"), max_length=254)

    def __init__(self, *args: Any, stored: MailServer | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stored = stored
        if stored is not None and stored.usable_password:
            words = gettext("A password is stored. Leave the field empty to keep it.")
            self.fields["password"].help_text = words

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"].strip().casefold()
        if not host.isascii() or any(character in host for character in "/@: "):
            raise forms.ValidationError(gettext("Enter the name of the server alone, such as mail.example.org."))
        return host

    def make_row(self) -> MailServer:
        """Return the unsaved server of a valid form."""
        row = MailServer(**self.cleaned_data)
        # A stored password must not reach another host: whoever may change the host may not read the password.
        if (
            not row.password
            and self.stored is not None
            and (row.host, row.port) == (self.stored.host, self.stored.port)
        ):
            row.password = self.stored.usable_password
        return row


@never_cache
@administrator_required
@password_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_mail_server(request: HttpRequest) -> HttpResponse:
    """Show the mail server; a POST sends a test mail by it, and stores it if that works."""
    stored = MailServer.objects.filter(pk=1).first()
    fields = ("host", "port", "security", "username", "sender")
    initial = {name: getattr(stored, name) for name in fields} if stored else {}
    form = MailServerForm(request.POST if request.method == "POST" else None, initial=initial, stored=stored)
    if request.method == "POST" and form.is_valid():
        by = get_signed_in_user(request)
        with show_refusals(request, ActionRefused):
            mail_server.save_mail_server(by, form.make_row())
            messages.success(request, gettext("Saved. A test mail is on its way to %(email)s.") % {"email": by.email})
            return redirect("administration:mail_server")
    context = {
        "form": form, "stored": stored, "of_environment": mail_server.is_of_environment(), "host": settings.EMAIL_HOST,
    }  # fmt: skip
    return render(request, "administration/mail_server.html", context, status=400 if form.errors else 200)


@administrator_required
@require_POST
@password_required
def remove_mail_server(request: HttpRequest) -> HttpResponse:
    """Remove the mail server; mail is then printed to the log."""
    mail_server.remove_mail_server(get_signed_in_user(request))
    messages.success(request, gettext("Mail server removed."))
    return redirect("administration:mail_server")
