"""Write `apps/safety/text/lookalikes.json`: the look-alike characters of each letter from a to z.

Classes of confusable characters come from Unicode's table, as skeletons of ICU's spoof checker. The letter of a class,
small capitals and circled letters are found by character names. Needs ICU (`libicu` of the system).
`tests/safety/text/test_lookalikes.py` compares the file with the output of this command.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import re
import string
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

TABLE = Path(__file__).parents[2] / "text" / "lookalikes.json"

_NAMED = re.compile(
    r"(?:LATIN (?:SMALL|CAPITAL) LETTER|LATIN LETTER(?: SMALL CAPITAL)?|MODIFIER LETTER (?:SMALL|CAPITAL)|"
    r"LATIN SUBSCRIPT SMALL LETTER|REGIONAL INDICATOR SYMBOL LETTER|"
    r"(?:CROSSED )?(?:NEGATIVE )?(?:CIRCLED|SQUARED|PARENTHESIZED) LATIN (?:SMALL|CAPITAL) LETTER)"
    r"(?: REVERSED| OPEN| SCRIPT| DOTLESS| BARRED)? ([A-Z])(?: WITH .*)?"
)
# Scripts whose letters are swapped for Latin ones. Letters of Arabic or Indic scripts stay apart from each other.
_SCRIPTS = re.compile(
    r"(?:LATIN|MODIFIER|GREEK|CYRILLIC|ARMENIAN|CHEROKEE|COPTIC|LISU|CANADIAN|DESERET|OLD|GOTHIC|CARIAN|LYDIAN|LYCIAN) "
)
# As commonly used where Unicode's table differs (β with ß, б with 6) or has no entry.
_READ_AS = {"β": "b", "б": "b", "ь": "b", "и": "n", "п": "n", "μ": "m", "υ": "u", "ω": "w", "ш": "w", "ς": "c"}


def find_lookalikes(skeleton: Callable[[str], str]) -> dict[str, str]:
    """Return, for each letter from a to z, one string of its look-alike characters outside ASCII, by code point."""
    letters = {skeleton(letter): letter.lower() for letter in string.ascii_uppercase + string.ascii_lowercase}
    every = [chr(code) for code in range(0x80, sys.maxunicode + 1) if unicodedata.category(chr(code))[0] in "LS"]
    for char in every:
        if "SMALL CAPITAL" in unicodedata.name(char, "") and (named := _NAMED.fullmatch(unicodedata.name(char))):
            letters.setdefault(_without_marks(skeleton(char)), named[1].lower())
    found: dict[str, list[str]] = {letter: [] for letter in string.ascii_lowercase}
    for char in every:
        if letter := _letter(char, letters, skeleton):
            found[letter].append(char)
    return {letter: "".join(chars) for letter, chars in found.items()}


def _letter(char: str, letters: dict[str, str], skeleton: Callable[[str], str]) -> str:
    """Return the letter that the character looks like; "" if it has none.

    Also "" for a character that NFKD maps to ASCII or to several characters.
    """
    name, plain = unicodedata.name(char, ""), unicodedata.normalize("NFKD", char).casefold()
    if plain != char and (plain.isascii() or len(plain) > 1) and not plain.startswith("("):
        return ""
    if char in _READ_AS:
        return _READ_AS[char]
    if named := _NAMED.fullmatch(name):
        return named[1].lower()
    symbol = unicodedata.category(char)[0] == "S"
    return letters.get(_without_marks(skeleton(char)), "") if symbol or _SCRIPTS.match(name) else ""


def _without_marks(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def open_spoof_checker() -> Callable[[str], str]:
    """Return ICU's function from a text to its skeleton.

    Raise OSError if the system has no ICU, AttributeError if its version lacks the functions.
    """
    path = ctypes.util.find_library("icui18n")
    if path is None:
        raise OSError("libicui18n is not installed")
    library, version = ctypes.CDLL(path), path.rpartition(".so.")[2].partition(".")[0]
    spoof_open: Any = getattr(library, f"uspoof_open_{version}")
    spoof_open.restype = ctypes.c_void_p
    get_skeleton: Any = getattr(library, f"uspoof_getSkeletonUTF8_{version}")
    handle, buffer = ctypes.c_void_p(spoof_open(ctypes.byref(ctypes.c_int(0)))), ctypes.create_string_buffer(1024)

    def skeleton(text: str) -> str:
        data = text.encode()
        size = get_skeleton(handle, 0, data, len(data), buffer, len(buffer), ctypes.byref(ctypes.c_int(0)))
        return buffer.raw[:size].decode()

    return skeleton


class Command(BaseCommand):
    help = "Write the table of look-alike letters from Unicode's confusables, by the ICU of this system."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = find_lookalikes(open_spoof_checker())
        except (OSError, AttributeError) as error:
            raise CommandError(f"ICU cannot be used: {error}") from error
        TABLE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        self.stdout.write(f"{sum(map(len, found.values()))} characters")
