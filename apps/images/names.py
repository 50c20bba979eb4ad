"""Names that are not drawn here by the operator's policy: of real people, of brands (`PICTURE_NAMES`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from django.conf import settings

from apps.safety.check import ALLOWED, Verdict


def judged(texts: Iterable[str]) -> Verdict:
    """Not allowed where one of the names stands in a text as words of its own, however it is written: without regard to
    case, accents and what stands between its words."""
    pattern = _pattern(settings.PICTURE_NAMES)
    found = next((found for text in texts if pattern and (found := pattern.search(_plain(text)))), None)
    if found is None:
        return ALLOWED
    return Verdict(False, "name", f"Pictures of “{found[0]}” are not drawn here. Describe it without that name.")


@lru_cache(4)
def _pattern(names: str) -> re.Pattern[str] | None:
    """Of whole names, the longest first; None where there are none."""
    plain = sorted({_plain(name) for name in names.split(",") if _plain(name)}, key=len, reverse=True)
    words = ("".join(rf"{re.escape(word)}\W+" for word in name.split())[: -len(r"\W+")] for name in plain)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if plain else None


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in parts if not unicodedata.combining(letter)).split())
