"""Undo obfuscation that hides words from the harm rules.

`deobfuscate(text)` is the entry point. It undoes look-alike letters and accents (`normalization.strip_accents`), words
spelled letter by letter, signs inside words, and digits for letters. Misspelt words, riddles and ciphers are not
undone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from apps.safety.text.normalization import map_spans_to_source, strip_accents

_DISGUISED = re.compile(
    # b o m b, b-o-m-b, b. o. m. b: three single letters or digits at least, the same between each two
    r"(?P<spelled>\b[^\W_](?P<between>\s|\s?[^\w\s]\s?)[^\W_](?:(?P=between)[^\W_])+\b)"
    r"|(?P<space>\s{2,}|[^\S ])"
    r"|(?P<inside>[-_.*~'’^`|·•+\\/]{1,2}(?=[^\W\d_]))"
)
_DIGITS = re.compile(r"[01345789@$!|€]+")
_AS_I = str.maketrans("01345789@$!|€", "oieastbgasiie")
_AS_L = str.maketrans("01345789@$!|€", "oleastbgaslle")
_ONES = frozenset("1!|")  # i or l
_ENDS = frozenset("!|")  # end of a sentence, not part of a word

Change = tuple[int, int, str]  # start, end and replacement; in order


@dataclass(frozen=True, slots=True)
class DeobfuscatedText:
    """Deobfuscated version of `original`.

    `text` is `view(original)` with `changes` applied and digits read as letters.
    """

    original: str
    text: str
    view: Callable[[str], str] = strip_accents
    changes: tuple[Change, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map the span from `start` to `end` (exclusive) of this text to the original.

        Return the whole original if that fails.
        """
        viewed = self._place(start), self._place(end - 1) + 1
        found = map_spans_to_source(self.original, [viewed], self.view)
        return found[0] if found else (0, len(self.original))

    def _place(self, at: int) -> int:
        """Map an index of this text to the index of the same character in `view(original)`."""
        for start, end, new in self.changes:
            if at < start:
                break
            if at < start + len(new):
                return start
            at += end - start - len(new)
        return at


def deobfuscate(text: str) -> Iterator[DeobfuscatedText]:
    """Yield the text in plain lower case, then each different version with obfuscation undone (at most 4)."""
    first = DeobfuscatedText(text, strip_accents(text))
    yield first
    seen = {first.text}
    found = list(_DISGUISED.finditer(first.text))
    for sign in ("", " ") if found else ("",):
        changes = tuple(change for match in found for change in _changes(match, sign))
        shown = _changed(first.text, changes)
        for table in (_AS_I, _AS_L) if _ONES & set(shown) else (_AS_I,):
            letters = _without_digits(shown, table)
            if letters not in seen:
                seen.add(letters)
                yield DeobfuscatedText(text, letters, strip_accents, changes)


def _changes(match: re.Match[str], sign: str) -> Iterator[Change]:
    """Yield the changes that undo one match of `_DISGUISED`. `sign` replaces a sign inside a word: "" or a space."""
    start, end = match.span()
    if match.lastgroup == "space":
        yield start, end, " "
    elif match.lastgroup == "inside":
        if match.string[start - 1 : start].isalpha():
            yield start, end, sign
    else:
        width = len(match["between"])
        yield from ((at, at + width, "") for at in range(start + 1, end - 1, width + 1))


def _changed(text: str, changes: tuple[Change, ...]) -> str:
    parts, at = [], 0
    for start, end, new in changes:
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _without_digits(text: str, table: dict[int, int]) -> str:
    """Return the text with digits and signs beside letters read as letters; the length stays."""
    for _ in range(3):  # the neighbouring letter may be such a digit itself
        changed = _DIGITS.sub(lambda match: match.group().translate(table) if _for_letters(match) else match[0], text)
        if changed == text:
            break
        text = changed
    return text


def _for_letters(match: re.Match[str]) -> bool:
    """Return whether at most two digits or signs stand for letters.

    True between two letters, or with two letters on one side and no letter or digit on the other.
    """
    text, (start, end) = match.string, match.span()
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    left, right = before[-1:].isalpha(), after[:1].isalpha()
    if end - start > 2 or not (left or right):
        return False
    if left and right:
        return True
    if right:
        return len(after) == 2 and after.isalpha() and not before[-1:].isalnum()
    return len(before) == 2 and before.isalpha() and not after[:1].isalnum() and not _ENDS & set(match.group())
