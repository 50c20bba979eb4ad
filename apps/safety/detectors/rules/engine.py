"""Rules of the gate: few, readable patterns for openly worded requests to do harm.

A rule requires a wish to act, not just a word, and misses disguised wording; `docs/review/classifiers.md` reports the
recall. Severities as in the taxonomy: 4 always withheld (weapons of many victims, children), 3 withheld, 2 marked only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import re2

from apps.safety.detectors.rules.harm_patterns import (
    ANSWER_PATTERNS,
    HARM_PATTERNS,
    HARM_PREFILTER,
    PASSAGE_ATTACK_PATTERNS,
    PASSAGE_PREFILTER,
)
from apps.safety.detectors.rules.injection_patterns import INJECTION_PATTERNS, INJECTION_PREFILTER
from apps.safety.detectors.rules.multilingual_harm_patterns import MULTILINGUAL_PATTERNS, MULTILINGUAL_PREFILTER
from apps.safety.policy.user_messages import (
    ANSWER_MESSAGES,
    CRISIS_SUPPORT,
    QUESTION_MESSAGES,
    WITHHELD_ANSWER,
    WITHHELD_QUESTION,
)
from apps.safety.policy.verdicts import ALLOWED, Verdict
from apps.safety.text.deobfuscation import DeobfuscatedText, deobfuscate
from apps.safety.text.normalization import fold_for_detection
from apps.safety.text.prompt_tokens import find_planted_tokens

if TYPE_CHECKING:
    from apps.engines.types import Vectors
    from apps.safety.policy.verdicts import SuspectSentences


_NEAR = 300  # characters around a match in which `unless` excuses it


@dataclass(frozen=True, slots=True)
class DetectionRule:
    """Rule with its clause code. A match does not count if `unless` matches within _NEAR characters of it."""

    code: str
    severity: int
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def matches(self, text: str) -> bool:
        """Return whether the rule matches the folded text."""
        return next(self._matches(text), None) is not None

    def spans(self, reading: DeobfuscatedText, since: int = 0) -> Iterator[tuple[int, int]]:
        """Yield the spans of matches in the original text that end beyond `since`."""
        for match in self._matches(reading.text):
            start, end = reading.span(*match.span())
            if end > since:
                yield start, end

    def _matches(self, text: str) -> Iterator[re.Match[str]]:
        for match in self.pattern.finditer(text):
            near = max(0, match.start() - _NEAR), match.end() + _NEAR
            if match.end() > match.start() and not (self.unless and self.unless.search(text, *near)):
                yield match


def _rules(table: tuple[tuple[str, int, str, str], ...]) -> tuple[DetectionRule, ...]:
    return tuple(
        DetectionRule(code, severity, re.compile(pattern), re.compile(unless) if unless else None)
        for code, severity, pattern, unless in table
    )


_QUESTION = _rules((*HARM_PATTERNS, *MULTILINGUAL_PATTERNS))
_SENTENCE = _rules(ANSWER_PATTERNS)
_PASSAGE = _rules(PASSAGE_ATTACK_PATTERNS)
_ORDERS = _rules(INJECTION_PATTERNS)
_PASSAGE_RULES = (*_PASSAGE, *_ORDERS)
_NEEDS = re2.compile(f"{HARM_PREFILTER}|{MULTILINGUAL_PREFILTER}")
_PASSAGE_NEEDS = re2.compile(f"{PASSAGE_PREFILTER}|{INJECTION_PREFILTER}")
# Version of the signals of rules: changes with any rule.
_ALL = (
    HARM_PATTERNS,
    MULTILINGUAL_PATTERNS,
    ANSWER_PATTERNS,
    PASSAGE_ATTACK_PATTERNS,
    INJECTION_PATTERNS,
    HARM_PREFILTER,
    MULTILINGUAL_PREFILTER,
)
FINGERPRINT = f"rules-{hashlib.sha256(repr(_ALL).encode()).hexdigest()[:16]}"


class RuleCheck:
    """Safety check by rules only. Pure, thread-safe, well below a millisecond per text."""

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        return self.check_question(text)

    async def sentence(self, text: str, since: int) -> Verdict:
        return self.check_sentence(text, since)

    def check_question(self, text: str) -> Verdict:
        """Return the verdict on a question."""
        if rule := _first_match(_QUESTION, text):
            return _verdict(rule, QUESTION_MESSAGES.get(rule.code, WITHHELD_QUESTION))
        if find_planted_tokens(text) or _is_injection(_PASSAGE, text):
            return Verdict(True, "prompt_attack")  # allowed: users may try the assistant, which holds no secret
        return ALLOWED

    def check_sentence(self, text: str, since: int = 0) -> Verdict:
        """Return the verdict on a piece of an answer, new from `since` on."""
        if rule := _first_match(_SENTENCE, text, since):
            return _verdict(rule, ANSWER_MESSAGES.get(rule.code, WITHHELD_ANSWER))
        return ALLOWED

    def passage(self, text: str) -> Verdict:
        if find_planted_tokens(text) or _is_injection(_PASSAGE_RULES, text):
            return Verdict(False, "prompt_attack", "This passage contains instructions for an assistant.")
        return ALLOWED

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        return [[] for _ in texts]

    def passages(
        self, texts: Sequence[str], vectors: Vectors, suspects: SuspectSentences | None = None
    ) -> list[Verdict]:
        return [self.passage(text) for text in texts]


def find_rule_spans(code: str, text: str) -> list[tuple[int, int]]:
    """Return the spans that rules of the clause match, at any stage, for reviewers."""
    of_harm = [rule for rule in (*_QUESTION, *_SENTENCE) if rule.code == code]
    spans = {span for reading in deobfuscate(text) for rule in of_harm for span in rule.spans(reading)}
    written = DeobfuscatedText(text, fold_for_detection(text), fold_for_detection)
    spans |= {span for rule in _PASSAGE_RULES if rule.code == code for span in rule.spans(written)}
    return [*sorted(spans), *(find_planted_tokens(text) if code == "prompt_attack" else [])]


def _first_match(rules: Sequence[DetectionRule], text: str, since: int = 0) -> DetectionRule | None:
    """Return the first harm rule that matches the text in plain letters or deobfuscated; None if none does."""
    for reading in deobfuscate(text):
        if _NEEDS.search(reading.text):
            for rule in rules:
                if next(rule.spans(reading, since), None) is not None:
                    return rule
    return None


def _is_injection(rules: Sequence[DetectionRule], text: str) -> bool:
    """Return whether a rule finds that the text addresses an assistant."""
    plain = fold_for_detection(text)
    return bool(_PASSAGE_NEEDS.search(plain)) and any(rule.matches(plain) for rule in rules)


def _verdict(rule: DetectionRule, message: str) -> Verdict:
    return Verdict(False, rule.code, CRISIS_SUPPORT if rule.code == "self_harm" else message)
