"""Explain what became of every scored hit: a passage, merged into another one, or dropped and why. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils.translation import gettext, gettext_noop

if TYPE_CHECKING:
    from apps.documents.retrieval.passages import SearchHit
    from apps.documents.retrieval.search import SearchResult
    from apps.grounding.passage import Passage

BELOW_THRESHOLD = gettext_noop("below the threshold")
DUPLICATE = gettext_noop("same as a passage above, or enough passages of its document are above")
NO_ROOM = gettext_noop("no room left: the model reads no more passages at once")
CONTENTS_OR_NOISE = gettext_noop("table of contents, index or unreadable text: not quoted")
_MERGED = gettext_noop("read together with %(place)s")
_MERGED_PATTERN = re.compile(_MERGED % {"place": r"(\d+)"})


def explain_hit(hit: SearchHit, result: SearchResult) -> tuple[int, str]:
    """Return the number of the passage that the hit became, from 1, with a reason in English; number 0 if it was
    dropped.

    The reason is "" for the hit that leads the passage. `translate_reason` translates it.
    """
    for rank, passage in enumerate(result.passages, 1):
        if passage.chunk_id == hit.chunk_id:
            return rank, ""
        if _is_within(hit, passage):
            return rank, _MERGED % {"place": rank}
    if hit.relevance < result.threshold:
        return 0, BELOW_THRESHOLD
    if hit.chunk_id in result.no_room:
        return 0, NO_ROOM
    return 0, CONTENTS_OR_NOISE if hit.is_noise else DUPLICATE


def translate_reason(reason: str) -> str:
    """Return a stored reason in the active language."""
    if found := _MERGED_PATTERN.fullmatch(reason):
        return gettext(_MERGED) % {"place": found[1]}
    return gettext(reason) if reason else ""


def _is_within(hit: SearchHit, passage: Passage) -> bool:
    same_page = (hit.document_id, hit.page_number) == (passage.document_id, passage.page_number)
    return same_page and passage.full_start <= hit.start and hit.end <= passage.full_end
