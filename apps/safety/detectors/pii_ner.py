"""Find all personal data of a text: by format, and by a tagger for names, places, addresses and dates.

The tagger needs the engines and some milliseconds per sentence. It is meant for texts shown masked to a user, not for
every text at the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.engines import registry
from apps.engines.classify.protocol import TaggedSpan
from apps.engines.types import EngineError
from apps.lib.text import sentences
from apps.safety.detectors.pii import PiiMatch, find_pii, replace_matches
from apps.safety.policy.verdicts import CheckUnavailable

CHARACTERS = 600  # read at once; well within the window of the embedder
UNAVAILABLE_NOTICE = "[not shown: the check for personal data is not available right now]"
# A match proven by a checksum or its own signs is certain. Others are not: digits in groups may also be
# a licence number.
_CERTAIN_KINDS = frozenset({
    "PRIVATE_KEY", "SECRET_KEY", "PASSWORD", "EMAIL_ADDRESS", "DOMAIN_NAME", "IBAN_CODE", "IP_ADDRESS", "CREDIT_CARD",
    "US_SSN",
})  # fmt: skip


def find_all_pii(text: str) -> list[PiiMatch]:
    """Return the matches in order, without overlaps. Raise CheckUnavailable if the tagger is unavailable."""
    pieces = list(_pieces(text))
    parts = [text[start:end] for start, end in pieces]
    forms = [[TaggedSpan(one.start, one.end, one.kind) for one in find_pii(part)] for part in parts]
    try:
        tagged = registry.get_pii_tagger().spans(parts, forms, registry.get_classifier_embedder())
    except EngineError as error:
        raise CheckUnavailable from error
    told = [
        TaggedSpan(start + one.start, start + one.end, one.kind)
        for (start, _), row in zip(pieces, tagged, strict=True)
        for one in row
    ]
    return merge_findings(find_pii(text), told)


def merge_findings(forms: Sequence[PiiMatch], tagged: Sequence[TaggedSpan]) -> list[PiiMatch]:
    """Return all matches without overlaps: certain formats win over the tagger, the tagger over other formats."""
    merged: list[PiiMatch] = []
    names = [PiiMatch(span.start, span.end, span.kind) for span in tagged]
    for match in (
        *(form for form in forms if form.kind in _CERTAIN_KINDS),
        *names,
        *(form for form in forms if form.kind not in _CERTAIN_KINDS),
    ):
        if not any(match.start < other.end and other.start < match.end for other in merged):
            merged.append(match)
    return sorted(merged, key=lambda match: match.start)


def mask_all_pii(text: str) -> str:
    """Return the text with each match replaced by its kind; UNAVAILABLE_NOTICE if the tagger is unavailable."""
    try:
        return replace_matches(text, find_all_pii(text))
    except CheckUnavailable:
        return UNAVAILABLE_NOTICE


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of whole sentences that are read together; the lines of a letterhead stay together."""
    start = end = 0
    for left, right in sentences.find_sentences(text):
        if right - start > CHARACTERS and end > start:
            yield start, end
            start = left
        while right - start > CHARACTERS:
            cut = max(text.rfind(" ", start + 1, start + CHARACTERS), text.rfind("\n", start + 1, start + CHARACTERS))
            cut = cut if cut > start else start + CHARACTERS
            yield start, cut
            start = cut
        end = right
    if end > start:
        yield start, end
