"""Write `docs/reference/settings.md` from the settings classes: `python -m assistant.config.document_settings`.

A test compares the file with `render_settings`. The module reads no value of the environment.
"""

from __future__ import annotations

import sys
from inspect import getdoc
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from assistant.boot.layout import ROOT, SECRETS
from assistant.env import SettingsGroup, list_groups

PATH = ROOT / "docs" / "reference" / "settings.md"
_INTRODUCTION = """# Settings

Set these environment variables where `./run serve` starts. Each process reads them once, at its start.
An empty variable means its default; an empty switch is off. Unknown variables are ignored.
A value that cannot be right ends the start with a sentence that names the variable.

Administrators see all variables and their values, without secrets, in the administration under Environment.
Variables of vLLM (`VLLM_CPU_KVCACHE_SPACE`, `VLLM_LOGGING_LEVEL` …) and of uv (`UV_CACHE_DIR` …) are passed on.

A secret can stand in a file: `NAME_FILE` names a file whose content is the value of `NAME`, for {secrets}.

This page is generated from `assistant/env.py` by `python -m assistant.config.document_settings`.
"""


def render_settings() -> str:
    """Return the page in Markdown: a table for each group, and one for the entries of each JSON list."""
    names = [f"`{name}`" for name in SECRETS]
    parts = [_INTRODUCTION.format(secrets=f"{', '.join(names[:-1])} and {names[-1]}")]
    for group in list_groups():
        heading, _, introduction = (getdoc(group) or "").partition("\n\n")
        parts.append(f"## {heading}\n\n{introduction}\n\n{_render_table(group)}")
        for name, field in group.model_fields.items():
            entry = next(iter(get_args(field.annotation)), None)
            if isinstance(entry, type) and issubclass(entry, BaseModel):
                example = f"For example `{name}='{(field.examples or [''])[0]}'`"
                parts.append(f"### Entries of `{name}`\n\n{example}\n\n{_render_table(entry)}")
    return "\n".join(parts)


def _render_table(model: type[BaseModel]) -> str:
    first, switch = ("variable", "`1` or `0`") if issubclass(model, SettingsGroup) else ("key", "`true` or `false`")
    rows = [f"| {first} | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        words = " ".join((field.description or "").split())
        rows.append(f"| `{name}` | {_describe_type(field, switch)} | {_describe_default(field, switch)} | {words} |")
    return "\n".join(rows) + "\n"


def _describe_type(field: FieldInfo, switch: str) -> str:
    """Return the type in words. `switch` holds the two values of a boolean, true first."""
    kind = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind) if value)
    if field.examples:
        return "JSON"
    if bool in (kind, *get_args(kind)):
        return switch
    if int in (kind, *get_args(kind)):
        limits = {type(item): item for item in field.metadata}
        least, most = limits.get(Ge), limits.get(Le)
        return f"number, {least.ge} to {most.le}" if least and most else "number"
    return field.title or "text"


def _describe_default(field: FieldInfo, switch: str) -> str:
    """Return the default as code; "" where it is empty or depends on the machine."""
    if field.is_required():
        return "needed"
    if isinstance(field.default, bool):
        return switch.split(" or ")[not field.default]
    shown = str(field.default) if isinstance(field.default, str | int) else ""
    return f"`{shown}`" if shown else ""


def main() -> int:
    """Write the page; return 0."""
    PATH.write_text(render_settings())
    return 0


if __name__ == "__main__":
    sys.exit(main())
