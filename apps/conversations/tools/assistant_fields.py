"""The choice of tools in the form of an assistant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext

from apps.conversations.models.tool import ToolPermission, ToolSetting
from apps.conversations.tools.availability import list_all_tools, resolve_permission

FIELD_PREFIX = "tool_"


def build_tool_fields(chosen: Mapping[str, str]) -> dict[str, forms.Field]:
    """A field for each tool that the site allows: as the site has it, or stricter."""
    site = dict(ToolSetting.objects.values_list("name", "permission"))
    found: dict[str, forms.Field] = {}
    for tool in list_all_tools():
        if (now := resolve_permission(tool, site, {})) == ToolPermission.OFF:
            continue
        stricter = [(item.value, item.label) for item in (ToolPermission.ASK, ToolPermission.OFF) if item != now]
        # The template of fields shows a help text as markup, and a server of somebody else may have written this one.
        found[FIELD_PREFIX + tool.name] = forms.ChoiceField(
            label=gettext(tool.title), required=False, initial=chosen.get(tool.name, ""),
            help_text=escape(gettext(tool.description)),
            choices=[("", gettext("As the site has it: %(lower)s") % {"lower": now.label.lower()}), *stricter],
        )  # fmt: skip
    return found


def read_permissions(data: Mapping[str, Any]) -> dict[str, str]:
    """What the form says of tools, where it is not as the site has it."""
    return {
        name.removeprefix(FIELD_PREFIX): str(value)
        for name, value in data.items()
        if name.startswith(FIELD_PREFIX) and value
    }


def keep_unlisted(chosen: Mapping[str, str]) -> dict[str, str]:
    """What an assistant says of tools that are not in the form: it stays."""
    shown = build_tool_fields(chosen)
    return {name: value for name, value in chosen.items() if FIELD_PREFIX + name not in shown}
