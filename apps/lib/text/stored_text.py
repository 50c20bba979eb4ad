"""Store sentences for users as codes with values: `encode_text` and `decode_text`.

`stored_sentences.json` gives each sentence its code, `message_templates` each template of a sentence with values. The
code of a reworded sentence stays, so that stored rows show the new words. Nothing is translated here.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from apps.lib.text import message_templates

_CATALOGUE = Path(__file__).with_name("stored_sentences.json")


class StoredText(str):
    """English text of a stored value, with a template and its values for each line; a line of free text is its own
    template, without values."""

    lines: tuple[tuple[str, dict[str, str]], ...] = ()


def encode_text(text: str) -> str:
    """Return the text as JSON for the database, "" for "": per line its code, [code, values], or [null, the line]."""
    return json.dumps([_encode_line(line) for line in text.split("\n")], ensure_ascii=False) if text else ""


def decode_text(stored: str) -> str:
    """Return the English text of what `encode_text` returned; text that was not encoded is returned unchanged."""
    if not stored.startswith("["):
        return stored
    try:
        lines = tuple(_decode_line(line) for line in json.loads(stored))
    except (ValueError, KeyError, TypeError):  # free text from before the codes
        return stored
    text = StoredText("\n".join(template % values if values else template for template, values in lines))
    text.lines = lines
    return text


def _encode_line(line: str) -> Any:
    if (code := _codes().get(line)) is not None:
        return code
    if (found := message_templates.match_template(line)) is not None:
        return [_codes()[found[0]], found[1]]
    return [None, line]


def _decode_line(line: Any) -> tuple[str, dict[str, str]]:
    """Return the template of the line and its values. Raise KeyError, ValueError or TypeError if it is none."""
    if isinstance(line, str):
        return read_catalogue()[line], {}
    code, content = line
    return (str(content), {}) if code is None else (read_catalogue()[code], content)


@cache
def read_catalogue() -> dict[str, str]:
    """Return the English sentences and templates by code."""
    templates = {
        f"message_templates.{name.lower()}": text
        for name, text in vars(message_templates).items()
        if name.isupper() and isinstance(text, str)
    }
    sentences: dict[str, str] = json.loads(_CATALOGUE.read_text())
    return sentences | templates


@cache
def _codes() -> dict[str, str]:
    return {text: code for code, text in read_catalogue().items()}
