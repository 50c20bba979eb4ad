"""State of a sentence of an answer, and which sentences are shown where only verified ones are.

`get_sentence_state` and `SentenceReveal` are the entry points. Makes no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.grounding.citer import SentenceCitation

_HEADING = re.compile(r"\s*(#{1,6})(?=\s)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")

CHECK_VERSION = 3  # of the check that verifies sentences now; stored with every citation, 0 in those of before


class SentenceState(StrEnum):
    """Outcome of the check of one sentence."""

    QUOTED = "quoted"  # a source says it in the same words
    SUPPORTED = "supported"  # a passage, or the result of a tool, says it
    UNVERIFIED = "unverified"
    CONTRADICTED = "contradicted"  # a judge found a passage that says otherwise

    @property
    def is_verified(self) -> bool:
        """True if a source or a tool says the sentence."""
        return self in (SentenceState.QUOTED, SentenceState.SUPPORTED)


def get_sentence_state(citations: Iterable[SentenceCitation]) -> SentenceState | None:
    """Return the state of a sentence from its citations; None for a sentence that states nothing and so has none."""
    found = list(citations)
    if not found:
        return None
    if any(cite.quoted and cite.source is not None for cite in found):
        return SentenceState.QUOTED
    if any(cite.is_verified for cite in found):
        return SentenceState.SUPPORTED
    return SentenceState.CONTRADICTED if any(cite.contradicted for cite in found) else SentenceState.UNVERIFIED


@dataclass(slots=True)
class SentenceReveal:
    """Sentences of one answer that are shown where only verified ones are; fed in order, and never taken back.

    A verified sentence is shown. A heading waits for a verified sentence below it, an introduction such as "Here is a
    list:" for a verified item of its list. Any other sentence that states nothing is not shown.
    """

    shown: list[int] = field(default_factory=list)
    folded: list[int] = field(default_factory=list)  # sentences that are not shown, without headings and introductions
    _waiting: list[_Waiting] = field(default_factory=list)

    def add(self, number: int, text: str, state: SentenceState | None) -> list[int]:
        """Return the sentences that are shown from now on because of this one, in order; [] where there are none."""
        item = bool(_ITEM.match(text))
        if state is None:
            self._wait(number, text)
            return []
        if not state.is_verified:
            self.folded.append(number)
            self._waiting = [one for one in self._waiting if one.level or item]
            return []
        ready = [one.number for one in self._waiting if one.level or item]
        self._waiting.clear()
        self.shown += [*ready, number]
        return [*ready, number]

    def _wait(self, number: int, text: str) -> None:
        """Remember a heading or an introduction until the next sentence that states something."""
        heading = _HEADING.match(text)
        level = len(heading[1]) if heading else 0
        if not level and not text.rstrip(" *_").endswith(":"):
            self.folded.append(number)
            return
        self._waiting = [other for other in self._waiting if other.level and (not level or other.level < level)]
        self._waiting.append(_Waiting(number, level))


@dataclass(slots=True)
class _Waiting:
    """Heading or introduction that is not shown yet."""

    number: int
    level: int  # of a heading, 1 to 6; 0: an introduction
