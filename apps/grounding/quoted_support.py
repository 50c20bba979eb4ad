"""Credit the sentences of a model that reads poorly: only quotes of a source and short answers have a source.

`QuotedCiter` is the entry point. Such a model joins words of its passages at random, and a model of consistency errs on
too many of its sentences. So what is not quoted is not verified, however true it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from apps.grounding import number_relevance
from apps.grounding import support_limits as limits
from apps.grounding.agreement import is_verbatim
from apps.grounding.answer_relevance import CreditedSentence
from apps.grounding.answer_type import detect_answer_type
from apps.grounding.citer import Citer, EvidenceWindow, strip_answer_frame
from apps.grounding.claim_features import (
    NUMBER_SIGNS,
    NUMBER_WORD_STEMS,
    ClaimFeatures,
    extract_features,
    split_words,
)
from apps.grounding.lexicons import ENGLISH, LEXICONS
from apps.grounding.support_check import Premise, SupportVerdict, is_whole_quote, weigh_words

_NAMED = frozenset({"person", "place", "name"})  # kinds of answers that are names
_COUNTED = frozenset({"amount", "time"})  # and numbers


class QuotedCiter(Citer):
    """Citer for a model below the reading check. A sentence has a source where it quotes one sentence of it, or two
    adjacent ones, and the quote answers the question; or where it is a short answer, see `_find_short_answer`."""

    def _find_support(self, claim: str) -> tuple[list[tuple[SupportVerdict, EvidenceWindow]], float]:
        bare = strip_answer_frame(claim)
        found = [
            (SupportVerdict(1.0, quoted=is_verbatim(bare, window.premise.text)), window)
            for window in self.rank_windows(bare)
            if _find_quotes(bare, window.premise)
            and self._answers.accepts_alone(CreditedSentence(window.source, bare, window.premise.context))
        ]
        found.sort(key=lambda pair: (not pair[0].quoted, len(pair[1].premise.text)))
        return (found or self._find_short_answer(bare)), 0.0

    def _find_short_answer(self, bare: str) -> list[tuple[SupportVerdict, EvidenceWindow]]:
        """Return the window, one at most, that holds the number or name of a short answer and all else that it says,
        beside nearly all content words of the question; [] where it is none, or its kind is not the one that is asked
        for."""
        asked, claimed = extract_features(self.question), extract_features(bare)
        new = claimed.terms - asked.terms
        kind = detect_answer_type(self.question)
        if not new or len(new) > limits.MAX_SHORT_ANSWER_OWN_WORDS or kind not in _COUNTED | _NAMED:
            return []
        weight = weigh_words(asked, [window.facts for window in self.windows])
        return [
            (SupportVerdict(1.0), window)
            for window in self.windows
            if not window.premise.only_quoted
            and _measure_share(asked, window.facts, weight) >= limits.MIN_ASKED_SHARE
            and _holds(window, claimed, new, kind)
            and number_relevance.has_fitting_numbers(self.question, bare, window.premise.text)
            and self._agrees(bare, window.premise)
        ][:1]


def _find_quotes(bare: str, premise: Premise) -> bool:
    if premise.only_quoted:
        return is_whole_quote(bare, premise)
    return is_nearly_verbatim(bare, premise.text, premise.language)


def _measure_share(asked: ClaimFeatures, window: ClaimFeatures, weight: Mapping[str, float]) -> float:
    """Return the share of the question's weight that a window holds; a number counts however it is written."""
    numbers = NUMBER_WORD_STEMS & asked.terms if asked.numbers <= window.numbers else frozenset[str]()
    covered = sum(weight[term] for term in asked.terms & (window.terms | numbers))
    return covered / (sum(weight.values()) or 1.0)


def _holds(window: EvidenceWindow, claimed: ClaimFeatures, new: frozenset[str], kind: str) -> bool:
    words = new - NUMBER_WORD_STEMS if claimed.numbers else new
    names = words & window.facts.names
    fits = bool(claimed.numbers if kind in _COUNTED else names)
    return fits and claimed.numbers <= window.facts.numbers and words <= window.facts.terms


def is_nearly_verbatim(claim: str, source: str, language: str = "en") -> bool:
    """Return whether the words of a claim stand in the source in their order, in one run or two of four words or more.

    A few small words may stand around the runs. Neither these nor what the source says between the runs may deny or
    limit anything.
    """
    words, source_words = split_words(claim), split_words(source)
    if len(words) * len(source_words) > limits.MAX_COMPARED_WORD_PAIRS:
        return False
    blocks = SequenceMatcher(None, words, source_words, autojunk=False).get_matching_blocks()
    runs = [block for block in blocks if block.size >= limits.MIN_QUOTE_WORDS]
    if not 1 <= len(runs) <= limits.MIN_RUN_WORDS:
        return False
    first, last = runs[0], runs[-1]
    same = {at for block in runs for at in range(block.a, block.a + block.size)}
    others = [word for at, word in enumerate(words) if at not in same]
    between = source_words[first.b + first.size : last.b] if len(runs) > 1 else []
    few = len(others) <= limits.MAX_CHANGED_SHARE * len(words)
    return few and not extract_features(" ".join(others)).terms and not _limits([*others, *between], language)


def _limits(words: Sequence[str], language: str) -> bool:
    """Return whether some of the words deny, or say how sure or how many, of what currency, before or after what."""
    lexicon = LEXICONS.get(language, ENGLISH)
    text = f" {' '.join(words)} "
    limiting = (*lexicon.negations, *lexicon.modals, *lexicon.quantifiers, *lexicon.hedges, *NUMBER_SIGNS)
    turning = (word for pair in lexicon.turning for side in pair for word in side)
    return any(f" {term} " in text for term in (*limiting, *turning))
