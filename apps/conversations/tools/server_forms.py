"""Forms for MCP servers, used by administrators."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.conversations.models.tool import ToolServer
from apps.safety.gate.web_addresses import FetchRefused, parse_address

MAX_SERVERS = 20
# No underscore: two of them separate the names of server and tool, and tool names must be unique.
_NAME = RegexValidator(r"^[a-zA-Z0-9-]+\Z", _("Use only letters, digits and dashes."))


class ServerForm(forms.Form):
    """Form for a new server: an HTTP address that may be connected to, or a program that the operator allows."""

    name = forms.CharField(
        label=_("Name"), max_length=20, validators=[_NAME],
        help_text=_(
            "Letters, digits and dashes. If the server needs a token, it is set under this name in the environment."),
    )  # fmt: skip
    transport = forms.ChoiceField(label=_("Location"), choices=ToolServer.Transport.choices)
    address = forms.CharField(
        label=_("Address"), max_length=2000, required=False,
        help_text=_(
            "For example https://tools.example.com/mcp. Addresses that are not public must be listed in MCP_HOSTS."),
    )  # fmt: skip
    command = forms.ChoiceField(
        label=_("Program"),
        required=False,
        help_text=_("Allowed programs are listed in MCP_COMMANDS."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programs = [("", "–"), *((name, name) for name in settings.MCP_COMMANDS)]
        self.fields["command"].choices = programs  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if ToolServer.objects.filter(name=name).exists():
            raise forms.ValidationError(gettext("There is already a server with this name."))
        return name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if ToolServer.objects.count() >= MAX_SERVERS:
            raise forms.ValidationError(
                gettext("There are %(most)s servers already. Remove one first.") % {"most": MAX_SERVERS}
            )
        if data.get("transport") == ToolServer.Transport.STDIO:
            data["address"] = ""
            if not data.get("command"):
                self.add_error("command", gettext("Choose a program."))
            return data
        data["command"] = ""
        try:
            parse_address(data.get("address", ""), settings.MCP_HOSTS)
        except FetchRefused as error:
            self.add_error("address", str(error))
        return data

    def save(self) -> ToolServer:
        """Create the server. Callers must check that the user is an administrator."""
        data = self.cleaned_data
        return ToolServer.objects.create(**{name: data[name] for name in ("name", "transport", "address", "command")})
