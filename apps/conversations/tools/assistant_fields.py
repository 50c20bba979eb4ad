"""The choice of tools in the form of an assistant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext

from apps.conversations.models.tool import ToolSetting
from apps.conversations.tools.availability import effective, everything
from apps.conversations.tools.base import Permission

PREFIX = "tool_"


def assistant_fields(chosen: Mapping[str, str]) -> dict[str, forms.Field]:
    """A field for each tool that the site allows: as the site has it, or stricter."""
    site = dict(ToolSetting.objects.values_list("name", "permission"))
    found: dict[str, forms.Field] = {}
    for tool in everything():
        if (now := effective(tool, site, {})) == Permission.OFF:
            continue
        stricter = [(item.value, item.label) for item in (Permission.ASK, Permission.OFF) if item != now]
        # The template of fields shows a help text as markup, and a server of somebody else may have written this one.
        found[PREFIX + tool.name] = forms.ChoiceField(
            label=gettext(tool.title), required=False, initial=chosen.get(tool.name, ""),
            help_text=escape(gettext(tool.description)),
            choices=[("", gettext("As the site has it: %(lower)s") % {"lower": now.label.lower()}), *stricter],
        )  # fmt: skip
    return found


def said(data: Mapping[str, Any]) -> dict[str, str]:
    """What the form says of tools, where it is not as the site has it."""
    return {name.removeprefix(PREFIX): str(value) for name, value in data.items() if name.startswith(PREFIX) and value}


def unseen(chosen: Mapping[str, str]) -> dict[str, str]:
    """What an assistant says of tools that are not in the form: it stays."""
    shown = assistant_fields(chosen)
    return {name: value for name, value in chosen.items() if PREFIX + name not in shown}
