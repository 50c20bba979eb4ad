"""Identifiers that differ only by a number (E4 and E7, error 4 and error 7). Facts about one must not be taken for the
other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from apps.lib.text.analyzer import normalise_text, split_words

_CODE = re.compile(r"([^\W\d_]+[-./:]?)\d[\w.-]*")
_PLAIN = re.compile(r"\d+")
# Words before the number of a part of a document: "section 2.1", "tabelle 3".
_PARTS = """
    abbildung abschnitt absatz anexo anhang annex apartado appendix article artikel artículo capítulo chapter clause
    cuadro figura figure kapitel note page paragraph paso página schritt sección section seite step tabelle tabla
    table
"""
PART_WORDS = "|".join(_PARTS.split())  # for patterns
# Other words before a number that is an identifier; after any other word ("costs 45", "since 1999") it is an amount or
# a year.
_LABELS = """
    alarm apartment aufgabe building bus case clase class code código edificio error exercise fase fault fehler flat
    floor gate gleis grade group habitación haus house item klasse level line linie lot línea message mode model
    module no nr number nummer número option order part phase pin piso planta platform point port position program
    puerta punkt question raum regel regla room route rule sala slot stage state stufe task team teil tipo track tram
    typ type unit version volume wohnung zeile zimmer zona zone
"""
_labels = frozenset((*_PARTS.split(), *_LABELS.split()))


@dataclass(frozen=True, slots=True)
class Identifier:
    """Numbered name in a text."""

    kind: str  # common part of rivals: the letters before the number, or the word before it
    number: str  # distinguishing word, as `split_words` returns it

    def is_rival(self, other: Identifier) -> bool:
        """Return whether the other has the same kind and another number."""
        return self.kind == other.kind and self.number != other.number


@lru_cache(maxsize=20_000)
def extract_identifiers(text: str) -> frozenset[Identifier]:
    """Return the identifiers in a short text, such as E7, RFC-2616 or error 7. Amounts and years do not count."""
    if not _PLAIN.search(normalise_text(text)):
        return frozenset()  # most sentences: no number, no identifier
    found, before = set(), ""
    for word in split_words(text):
        if (match := _CODE.fullmatch(word)) is not None:
            found.add(Identifier(match[1], word))
        elif _PLAIN.fullmatch(word) and before in _labels:
            found.add(Identifier(f"{before} ", word))
        before = word
    return frozenset(found)


def is_about_rivals(question: frozenset[Identifier], answer: frozenset[Identifier]) -> bool:
    """Return whether `answer` has rivals of identifiers in `question`, and no identifier in common with it."""
    return not question & answer and any(one.is_rival(other) for one in question for other in answer)
