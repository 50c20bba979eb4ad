"""Tool permissions in the form of an assistant.

Entry points: `build_tool_fields`, `read_permissions`, `keep_unlisted`.
"""

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
    """Return a form field for each tool that the site allows, offering the site's permission or a stricter one."""
    site = dict(ToolSetting.objects.values_list("name", "permission"))
    found: dict[str, forms.Field] = {}
    for tool in list_all_tools():
        if (now := resolve_permission(tool, site, {})) == ToolPermission.OFF:
            continue
        stricter = [(item.value, item.label) for item in (ToolPermission.ASK, ToolPermission.OFF) if item != now]
        # The field template renders help texts as HTML, and descriptions may come from a foreign server.
        found[FIELD_PREFIX + tool.name] = forms.ChoiceField(
            label=gettext(tool.title), required=False, initial=chosen.get(tool.name, ""),
            help_text=escape(gettext(tool.user_description or tool.description)),
            choices=[("", gettext("Site default: %(lower)s") % {"lower": now.label.lower()}), *stricter],
        )  # fmt: skip
    return found


def read_permissions(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the permissions of the form, by tool, that differ from the site's."""
    return {
        name.removeprefix(FIELD_PREFIX): str(value)
        for name, value in data.items()
        if name.startswith(FIELD_PREFIX) and value
    }


def keep_unlisted(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the assistant's permissions of tools that the form does not show, so that saving keeps them."""
    shown = build_tool_fields(chosen)
    return {name: value for name, value in chosen.items() if FIELD_PREFIX + name not in shown}
