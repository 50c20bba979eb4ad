"""Where in a frozen text the reason for its case stands, for the reviewer's eye: what the rules, the lists of that
version of the policy, the forms of personal data and the check for planted instructions point at. Where none of them
can name a place, the check judged the text whole, and all of it is marked."""

from __future__ import annotations

import logging
from datetime import date

from apps.engines.base import EngineError
from apps.safety import listed, masking, redacting, rules
from apps.safety.folding import SECRETS, Signal
from apps.safety.models import Case
from apps.safety.planted import LABEL, place, scored
from apps.safety.policy import Policy, Stage

log = logging.getLogger(__name__)

_PERSONAL = {SECRETS, "personal_data"}
_NEAR = 0.5  # of the surest sentence's score: what else is marked
Span = tuple[int, int]


def pieces(case: Case, held: Policy) -> list[tuple[str, bool]]:
    """Return the text in order, its secrets masked, each piece with whether it is marked. `held` is the policy by which
    it was judged."""
    text = case.snapshot.text
    found = joined(said(case, held) or spans(text, case.area, case.snapshot.stage, held))
    return masking.place_pieces(text, found or [(0, len(text))])


def said(case: Case, held: Policy) -> list[Span]:
    """What the signals themselves point at for that clause, as they judged it; nothing in cases before they did."""
    found: list[Span] = []
    for signal in map(Signal.of, case.snapshot.signals):
        own = held.lists.get(signal.rule)
        if case.area in (signal.rule, own.code if own else "") or case.area in signal.scores:
            found += [(max(0, start), min(end, len(case.snapshot.text))) for start, end in signal.spans]
    return [(start, end) for start, end in found if end > start]


def spans(text: str, code: str, stage: str, held: Policy) -> list[Span]:
    """Of whatever can name a place, in no order, possibly over each other."""
    if stage not in list(Stage) or stage == Stage.PICTURE:
        return []
    lists = listed.Matcher(own for own in held.lists.values() if own.code == code and stage in own.stages)
    hits = lists.found(text, today=date.min)  # also of one that has ended since
    found = [*rules.where(code, text), *(span for hit in hits for span in hit.spans)]
    if code in _PERSONAL:
        found += redacting.found(text, code)
    if code == LABEL and not found and stage == Stage.PASSAGE:
        found += _planted(text)
    return [(start, end) for start, end in found if end > start]


def joined(found: list[Span]) -> list[Span]:
    """In order, those that touch or overlap made one."""
    kept: list[Span] = []
    for start, end in sorted(found):
        if kept and start <= kept[-1][1]:
            kept[-1] = kept[-1][0], max(end, kept[-1][1])
        else:
            kept.append((start, end))
    return kept


def _planted(text: str) -> list[Span]:
    """Where the sentences stand that the check for planted instructions is surest about; none where it is away."""
    try:
        found = scored([text])[0]
    except EngineError as error:
        log.info("Nothing is marked in a passage: %s", error)
        return []
    highest = max((score for _, score in found), default=0.0)
    return [place(text, piece) for piece, score in found if score >= _NEAR * highest and piece in text]
