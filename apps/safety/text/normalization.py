"""Normalise text of users and documents, so that checks and model see the same: no hidden characters, no disguises.

Only characters without meaning are removed. Joiners stay where a script or an emoji needs them, flags of regions stay,
`x²` stays `x²`. Stylised letters (full width, mathematical bold, ligatures) become plain letters.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

QUESTION_CHARACTERS = 20_000  # some 5,000 tokens or ten printed pages; longer text belongs in a document

# Control characters that no keyboard types; tab and line breaks are text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
# England, Scotland, Wales: the only emoji with tag characters.
_FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|"
    "\U000e0077\U000e006c\U000e0073)\U000e007f"
)
_MARKS = frozenset("\u200e\u200f\u061c")  # direction marks: harmless, and needed in Hebrew and Arabic
_JOINERS = frozenset("\u200c\u200d")
_STYLES = frozenset("\ufe0e\ufe0f")  # text or emoji style of the character before
_MEANT = ("<super>", "<sub>", "<fraction>")  # folding these would change the meaning


def has_control_characters(text: str) -> bool:
    """Return whether the text has a control character other than tab and line breaks."""
    return _CONTROL.search(text) is not None


def normalise(text: str) -> str:
    """Return the text without hidden characters and disguises. Idempotent."""
    if text.isascii():
        return (
            _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
            if _CONTROL.search(text) or "\r" in text
            else text
        )
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n\n")
    parts: list[str] = []
    at = 0
    for flag in _FLAGS.finditer(text):
        parts += [_clean(text[at : flag.start()]), flag.group()]
        at = flag.end()
    parts.append(_clean(text[at:]))
    return "".join(parts)


def has_visible_characters(text: str) -> bool:
    """Return whether the text has any visible character."""
    return any(unicodedata.category(char)[0] in "LNPS" for char in text)


def fold_for_detection(text: str) -> str:
    """Return the text for detection only: case, compatibility forms and look-alike letters (Unicode confusables)
    unified.

    Accents and strokes of Latin letters stay.
    """
    if text.isascii():
        return text.lower()  # ASCII letters have no look-alikes in ASCII
    return unicodedata.normalize("NFC", text).translate(_FOLDED)


def strip_accents(text: str) -> str:
    """Return `fold_for_detection(text)` without accents, strokes and other marks, for detection only."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text).translate(_BARE)


def map_spans_to_source(
    text: str, spans: Iterable[tuple[int, int]], view: Callable[[str], str]
) -> list[tuple[int, int]]:
    """Return the spans in `text` that the spans of `view(text)` come from; `[]` if unknown.

    `view` must map each character by itself. A character that maps to nothing belongs to the one before it.
    """
    found = [(start, end) for start, end in spans if start < end]
    if not found:
        return []
    origin = [at for at, char in enumerate(text) for _ in view(char)]
    if len(origin) != len(view(text)):
        return []
    ends = [*origin[1:], len(text)]
    return [(origin[start], max(ends[end - 1], origin[end - 1] + 1)) for start, end in found]


def _clean(text: str) -> str:
    kept: list[str] = []
    at = 0
    for found in _FOREIGN.finditer(text):
        kept += filter(None, [_CONTROL.sub("", text[at : found.start()])])
        at, char = found.end(), found.group()
        if _is_kept(kept, char, text[at : at + 1]):
            kept.append(_plain(char))
    kept.append(_CONTROL.sub("", text[at:]))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_kept(kept: list[str], char: str, after: str) -> bool:
    category = unicodedata.category(char)
    before = kept[-1][-1] if kept else ""  # a ligature may have become several letters
    if char in _MARKS:
        return True
    if char in _JOINERS:
        return _joins(before, after)
    if char in _STYLES:
        return bool(before) and (_symbol(before) or before in "0123456789#*")
    if category in ("Cf", "Cc", "Cs", "Co", "Cn"):
        return False
    return not _filler(char)


def _joins(before: str, after: str) -> bool:
    """Return whether a joiner has meaning: between emoji, or between letters of joining scripts."""
    if not before or not after:
        return False
    if _symbol(after) or after in _STYLES:
        return _symbol(before) or before in _STYLES or unicodedata.category(before) == "Sk"
    return _joining(before) and _joining(after)


def _joining(char: str) -> bool:
    code = ord(char)  # Arabic, Syriac, N'Ko, Mandaic … through the Indic scripts, Tibetan, Burmese, Khmer, Mongolian
    return 0x0600 <= code <= 0x109F or 0x1780 <= code <= 0x18AF or 0xA840 <= code <= 0xABFF or 0xFB50 <= code <= 0xFEFC


def _symbol(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk", "Sm", "Po") and not char.isascii()


def _filler(char: str) -> bool:
    """Return whether the character is an invisible letter, or a variation selector that could carry hidden bytes."""
    code = ord(char)
    return code in (0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F) or 0xFE00 <= code <= 0xFE0D or 0xE0100 <= code <= 0xE01EF


def _plain(char: str) -> str:
    decomposition = unicodedata.decomposition(char)
    if not decomposition.startswith("<") or decomposition.startswith(_MEANT):
        return char
    if decomposition.startswith("<font>") and char < "\uffff":
        return char  # ℝ, ℕ, ℓ: signs of mathematics
    plain = unicodedata.normalize("NFKC", char)
    disguised = plain.isalnum() and not (decomposition.startswith("<circle>") and plain.isdigit())
    return plain if plain.isspace() or disguised else char


def _lookalikes() -> dict[str, str]:
    """Return the letter by look-alike character, from the file that the command `make_lookalikes` writes."""
    table = json.loads((Path(__file__).parent / "lookalikes.json").read_text())
    return {char: letter for letter, chars in table.items() for char in chars}


_LETTERS = _lookalikes()
_STROKES = frozenset(char for char in _LETTERS if re.match("LATIN .* WITH", unicodedata.name(char, "")))  # ø, ł, đ


class _Folded(dict[int, str]):
    """Table for `str.translate` that is filled on first use of each character."""

    most = 20_000  # characters that are cached

    def __missing__(self, code: int) -> str:
        found = self.fold(chr(code))
        if len(self) < self.most:
            self[code] = found
        return found

    def fold(self, char: str) -> str:
        if char in _STROKES:
            return char.casefold()
        plain = _LETTERS.get(char) or unicodedata.normalize("NFKC", char).casefold()
        return "".join(each if each in _STROKES else _LETTERS.get(each, each) for each in plain)


class _Bare(_Folded):
    def fold(self, char: str) -> str:
        parts = unicodedata.normalize("NFKD", _LETTERS.get(char, char)).casefold()
        return "".join(_LETTERS.get(each, each) for each in parts if not _mark(each))


def _mark(char: str) -> bool:
    return bool(unicodedata.combining(char)) or unicodedata.category(char) == "Me"


_FOLDED, _BARE = _Folded(), _Bare()


def hash_text(text: str) -> str:
    """Return the SHA-256 of the text as hexadecimal digits, by which judged texts are compared."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
