"""Form for the arguments of a tool, built from its JSON Schema. Entry point: `CallForm`.

The schema may come from a foreign server: its texts are escaped, and parts it does not describe properly are asked for
as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import escape
from django.utils.translation import gettext, gettext_lazy

from apps.conversations.tools import slash_commands
from apps.conversations.tools.base import BaseTool, ToolError
from apps.safety.text.normalization import QUESTION_CHARACTERS, normalise

_SHORT = 400  # characters that fit into a field of one line
_WORDS = 300  # characters of a description
_KNOWN = {  # labels of arguments of built-in tools
    "query": gettext_lazy("Search for"),
    "title": gettext_lazy("Document"),
    "page": gettext_lazy("Page"),
    "expression": gettext_lazy("Expression"),
}
_BOOLEAN = [("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]


class CallForm(forms.Form):
    """Form for the arguments of a tool. Once valid, `command` holds the line that calls the tool."""

    def __init__(self, tool: BaseTool, sent: Mapping[str, Any] | None) -> None:
        super().__init__(sent, prefix="argument", auto_id="call-%s")
        self.tool, self.command = tool, ""
        required = tool.parameters.get("required")
        self._read_properties = _read_properties(tool.parameters.get("properties"))
        for name, schema in self._read_properties.items():
            own = _KNOWN.get(name) if tool.hint is None else None
            label = own or str(schema.get("title") or name).replace("_", " ")[:60].capitalize()
            self.fields[name] = _make_field(label, schema, required=isinstance(required, list) and name in required)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        given = {
            name: _convert_value(self._read_properties[name], value)
            for name, value in data.items()
            if value not in (None, "", [])
        }
        try:
            self.tool.check(given)
        except ToolError as error:
            raise forms.ValidationError(str(error)) from error
        self.command = slash_commands.format_command(self.tool, given)
        if len(self.command) > QUESTION_CHARACTERS:
            words = gettext("Too many characters for one call; the limit is %(most)s.")
            raise forms.ValidationError(words % {"most": f"{QUESTION_CHARACTERS:,}"})
        return data


def _read_properties(properties: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(properties, dict):
        return {}
    return {str(name): schema if isinstance(schema, dict) else {} for name, schema in properties.items()}


def _get_field_kind(schema: Mapping[str, Any]) -> str:
    """Return the kind of field: string, integer, number, boolean, choice, lines or json."""
    if isinstance(schema.get("enum"), list) and all(isinstance(item, str) for item in schema["enum"]):
        return "choice"
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return "lines" if isinstance(items, dict) and items.get("type") == "string" else "json"
    return kind if kind in ("string", "integer", "number", "boolean") else "json"


def _make_field(label: Any, schema: Mapping[str, Any], *, required: bool) -> forms.Field:
    words = schema.get("description")
    options: dict[str, Any] = {
        "label": label, "required": required,
        # The field template renders help texts as HTML.
        "help_text": escape(words[:_WORDS]) if isinstance(words, str) else "",
    }  # fmt: skip
    low, high = _number(schema.get("minimum")), _number(schema.get("maximum"))
    match _get_field_kind(schema):
        case "choice":
            blank = [] if required else [("", "")]
            return forms.ChoiceField(choices=[*blank, *((item, item) for item in schema["enum"])], **options)
        case "boolean":
            return forms.ChoiceField(choices=[*([] if required else [("", "")]), *_BOOLEAN], **options)
        case "integer":
            return forms.IntegerField(min_value=low, max_value=high, **options)
        case "number":
            return forms.FloatField(min_value=low, max_value=high, **options)
        case "string":
            longest = schema.get("maxLength") if isinstance(schema.get("maxLength"), int) else None
            short = forms.TextInput if longest and longest <= _SHORT else forms.Textarea(attrs={"rows": 1})
            return forms.CharField(max_length=longest, widget=short, **options)
        case "lines":
            options["help_text"] = f"{options['help_text']} {gettext('One per line.')}".strip()
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **options)
    options["help_text"] = f"{options['help_text']} {gettext('Written as JSON.')}".strip()
    return forms.JSONField(widget=forms.Textarea(attrs={"rows": 2}), **options)


def _convert_value(schema: Mapping[str, Any], value: Any) -> Any:
    """Return the value for the tool. Texts are normalised here, since normalising their JSON later could break it."""
    match _get_field_kind(schema):
        case "boolean":
            return value == "true"
        case "lines":
            return [normalise(line).strip() for line in value.splitlines() if line.strip()]
        case "string":
            return normalise(value)
    return value


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
