"""All personal data of a text: what its form gives away, and what only reading tells: names, places, addresses, dates.

The tagger needs the engines and some milliseconds a sentence: this is for texts that somebody is about to see masked,
not for every text that passes the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.engines import registry
from apps.engines.classify.protocol import TaggedSpan
from apps.engines.types import EngineError
from apps.lib.text import sentences
from apps.safety.detectors.pii import PiiMatch, find_pii
from apps.safety.policy.verdicts import CheckUnavailable

CHARACTERS = 600  # of a text that are read at once: well inside the embedder's window
UNAVAILABLE_NOTICE = "[not shown: the check for personal data is not available right now]"
# A form that a checksum or its own signs prove is never something else. The others may be: digits in groups are also
# the number of a licence.
_CERTAIN_KINDS = frozenset({
    "PRIVATE_KEY", "SECRET_KEY", "PASSWORD", "EMAIL_ADDRESS", "DOMAIN_NAME", "IBAN_CODE", "IP_ADDRESS", "CREDIT_CARD",
    "US_SSN",
})  # fmt: skip


def find_all_pii(text: str) -> list[PiiMatch]:
    """In order, none inside another. Raises CheckUnavailable where the tagger is away."""
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
    """Sure forms first, then what the tagger read, then the other forms where nothing else was found."""
    kept: list[PiiMatch] = []
    told = [PiiMatch(one.start, one.end, one.kind) for one in tagged]
    for found in (
        *(form for form in forms if form.kind in _CERTAIN_KINDS),
        *told,
        *(form for form in forms if form.kind not in _CERTAIN_KINDS),
    ):
        if not any(found.start < other.end and other.start < found.end for other in kept):
            kept.append(found)
    return sorted(kept, key=lambda found: found.start)


def mask_all_pii(text: str) -> str:
    """The text with the kind in the place of each find; words that say so where nobody could look."""
    try:
        found = find_all_pii(text)
    except CheckUnavailable:
        return UNAVAILABLE_NOTICE
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.kind.lower()}]"]
        at = one.end
    return "".join([*parts, text[at:]])


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Whole sentences, as many as are read at once; the lines of a letterhead stay together."""
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
