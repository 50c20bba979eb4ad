"""The rules behind the gate: few, readable, and sparing with what is harmless. They catch what is said openly and miss
what is disguised in other words; `docs/security.md` says how much. A rule asks for a wish to do, not for a word.

Severities, as the taxonomy has them: 4 always withheld (weapons of many victims, children), 3 withheld, 2 marked only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import re2

from apps.safety.check import ALLOWED, Verdict
from apps.safety.intake import folded, traced
from apps.safety.orders import ORDERS
from apps.safety.phrases import HARM, NEEDS, PASSAGE_ATTACKS, PASSAGE_NEEDS, SAID
from apps.safety.untrusted import places as tokens
from apps.safety.untrusted import special
from apps.safety.withheld import ANSWERS, CARE, QUESTIONS, WITHHELD, WITHHELD_ANSWER

if TYPE_CHECKING:
    from apps.engines.base import Vectors
    from apps.safety.check import Suspects


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    severity: int
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def hits(self, text: str, since: int = 0) -> bool:
        """Whether a match reaches beyond `since`."""
        for match in self.pattern.finditer(text):
            if match.end() > since and not (self.unless and self.unless.search(text)):
                return True
        return False


_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)


def _rules(table: tuple[tuple[str, int, str, str], ...]) -> tuple[Rule, ...]:
    return tuple(
        Rule(code, severity, re.compile(pattern), re.compile(unless) if unless else None)
        for code, severity, pattern, unless in table
    )


def _by_letter(pattern: str) -> str:
    """The same alternatives, gathered under the letter with which each begins: where nothing is found, which is nearly
    everywhere, all of them are tried at each place of a text, and that takes five times as long."""
    found: dict[str, list[str]] = {}
    for word in _alternatives(pattern):
        if word.startswith(r"\b"):
            found.setdefault(word[2], []).append(rf"(?<!\w{word[2]}){word[3:]}")
        else:
            found.setdefault(word[0], []).append(word[1:])
    return "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in found.items())


def _alternatives(pattern: str) -> list[str]:
    """Of the outermost level; what is escaped, or stands in a set, is text."""
    found, depth = [""], 0
    for piece in _PIECE.findall(pattern):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and not depth:
            found.append("")
        else:
            found[-1] += piece
    return found


_QUESTION = _rules(HARM)
_SENTENCE = _rules(SAID)
_PASSAGE = _rules(PASSAGE_ATTACKS)
_ORDERS = _rules(ORDERS)
_OF_PASSAGES = (*_PASSAGE, *_ORDERS)
_NEEDS = re.compile(_by_letter(NEEDS))
_PASSAGE_NEEDS = re2.compile(PASSAGE_NEEDS)
# The version of a signal of the rules: another rule is another version.
FINGERPRINT = f"rules-{hashlib.sha256(repr((HARM, SAID, PASSAGE_ATTACKS, ORDERS, NEEDS)).encode()).hexdigest()[:16]}"


class RuleCheck:
    """Pure and fast: well below a millisecond a text. Safe to call from everywhere."""

    async def question(self, text: str, vector: Awaitable[Vectors] | None = None) -> Verdict:
        return self.asked(text)

    async def sentence(self, text: str, since: int) -> Verdict:
        return self.said(text, since)

    def asked(self, text: str) -> Verdict:
        plain = folded(text)
        if _NEEDS.search(plain):
            for rule in _QUESTION:
                if rule.hits(plain):
                    return _verdict(rule, QUESTIONS.get(rule.code, WITHHELD))
        if special(text) or (_PASSAGE_NEEDS.search(plain) and any(rule.hits(plain) for rule in _PASSAGE)):
            return Verdict(True, "prompt_attack")  # people may try the assistant out; it holds no secret
        return ALLOWED

    def said(self, text: str, since: int = 0) -> Verdict:
        plain = folded(text)
        if not _NEEDS.search(plain):
            return ALLOWED
        border = since if len(plain) == len(text) else len(folded(text[:since]))
        for rule in _SENTENCE:
            if rule.hits(plain, border):
                return _verdict(rule, ANSWERS.get(rule.code, WITHHELD_ANSWER))
        return ALLOWED

    def passage(self, text: str) -> Verdict:
        plain = folded(text)
        if special(text) or (_PASSAGE_NEEDS.search(plain) and any(rule.hits(plain) for rule in _OF_PASSAGES)):
            return Verdict(False, "prompt_attack", "This passage speaks to an assistant instead of to its reader.")
        return ALLOWED

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        return [[] for _ in texts]

    def passages(self, texts: Sequence[str], vectors: Vectors, suspects: Suspects | None = None) -> list[Verdict]:
        return [self.passage(text) for text in texts]


def where(code: str, text: str) -> list[tuple[int, int]]:
    """What in the text rules of that code match, at whatever stage, for people to look at."""
    plain = folded(text)
    rules = [rule for rule in (*_QUESTION, *_SENTENCE, *_PASSAGE, *_ORDERS) if rule.code == code and rule.hits(plain)]
    spans = {match.span() for rule in rules for match in rule.pattern.finditer(plain) if match.end() > match.start()}
    return [*traced(text, sorted(spans), folded), *(tokens(text) if code == "prompt_attack" else [])]


def _verdict(rule: Rule, words: str) -> Verdict:
    return Verdict(False, rule.code, CARE if rule.code == "self_harm" else words)
