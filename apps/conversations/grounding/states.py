"""State of a sentence of an answer: quoted, supported or not verified. Decides nothing about what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.conversations.cite import Cite

CHECK_VERSION = 1  # of the check that verifies sentences now; stored with every citation, 0 in those of before


class SentenceState(StrEnum):
    """Outcome of the check of one sentence."""

    QUOTED = "quoted"  # a source says it in the same words
    SUPPORTED = "supported"  # a passage, or the result of a tool, says it
    UNVERIFIED = "unverified"


def sentence_state(cites: Iterable[Cite]) -> SentenceState | None:
    """Return the state of a sentence from its citations; None for a sentence that states nothing and so has none."""
    found = list(cites)
    if not found:
        return None
    if any(cite.quoted and cite.source is not None for cite in found):
        return SentenceState.QUOTED
    return SentenceState.SUPPORTED if any(cite.found for cite in found) else SentenceState.UNVERIFIED
