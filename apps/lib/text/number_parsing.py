"""Parser of whole numbers in untrusted text."""

from __future__ import annotations

LARGEST = 2**63 - 1  # largest value of a database column
_DIGITS = len(str(LARGEST))


def parse_number(text: str, otherwise: int = 0) -> int:
    """Return the whole number from 0 to LARGEST that the text spells in at most 19 ASCII digits, else `otherwise`.

    Never raises, unlike `int` beyond 4,300 digits and a database column beyond LARGEST.
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS:
        return otherwise
    number = int(text)
    return number if number <= LARGEST else otherwise
