"""Compare a sentence with the source that it restates, word by word, for what a set of words does not show.

`find_changed_meaning` is the entry point. A claim with all words of its source may still say something else: two names
or numbers in each other's place, "before" for "after", or a "usually" left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import combinations
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from apps.grounding import support_limits as limits
from apps.grounding.claim_features import NUMBER_SIGNS, normalise_token, split_tokens, split_words
from apps.grounding.lexicons import ENGLISH, LEXICONS, Lexicon
from apps.lib.text.analyzer import STOPWORDS

_TURNING_WORDS = 2  # words of a change that turns a sentence around, at most: "prior to"


class _Change(NamedTuple):
    """Words of a source, and what the claim has in their place. `start` and `end` are of the source's words."""

    start: int
    end: int
    claimed: list[str]


@dataclass(frozen=True, slots=True)
class _Wording:
    """Words of a text, and which of them begin with a capital letter."""

    words: list[str]
    capital: list[bool]

    @classmethod
    def read(cls, text: str) -> _Wording:
        tokens = [token for token in split_tokens(text) if token[0].isalnum() or token in NUMBER_SIGNS]
        return cls([normalise_token(token) for token in tokens], [token[0].isupper() for token in tokens])


def find_changed_meaning(claim: str, source: str, language: str = "en") -> str:
    """Return how a claim in nearly the words of its source says something else; "" if it does not, or is in other
    words.

    exchanged: two words stand in each other's place; turned: a small word gave way to its contrary, as "before" to
    "after"; hedge: a word that says how sure or how often was left out, and none stands for it.
    """
    lexicon = LEXICONS.get(language, ENGLISH)
    wording = _Wording.read(claim)
    claimed, stated = wording.words, split_words(source)
    if not claimed or len(claimed) * len(stated) > limits.MAX_COMPARED_WORD_PAIRS:
        return ""
    if (Counter(claimed) & Counter(stated)).total() < limits.RESTATED_WORD_SHARE * len(claimed):
        return ""
    matcher = SequenceMatcher(None, stated, claimed, autojunk=False)
    changes = [_Change(a, b, claimed[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind == "replace"]
    if (
        any(_is_exchanged(one, other, stated, lexicon) for one, other in combinations(changes, 2))
        or _is_rotated(matcher.get_opcodes(), stated, claimed, lexicon)
        or _has_exchange(wording, stated, lexicon)
    ):
        return "exchanged"
    short = [change for change in changes if len(change.claimed) <= _TURNING_WORDS]
    if any(_turns(stated[change.start : change.end], change.claimed, lexicon) for change in short):
        return "turned"
    return "hedge" if _drops_hedge(stated, claimed, matcher.get_matching_blocks(), lexicon) else ""


def _is_exchanged(one: _Change, other: _Change, stated: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether each of two changes has all words of the other, such as both parts of a name."""
    first, second = stated[one.start : one.end], stated[other.start : other.end]
    crossed = sorted(first) == sorted(other.claimed) and sorted(second) == sorted(one.claimed)
    return (
        crossed
        and sorted(first) != sorted(second)
        and _have_content([*first, *second], lexicon)
        and _makes_order_matter(stated[one.end : other.start], lexicon)
    )


def _is_rotated(
    codes: Sequence[tuple[str, int, int, int, int]], stated: Sequence[str], claimed: Sequence[str], lexicon: Lexicon
) -> bool:
    """Return whether "A of B" of the source is "B of A" in the claim, where A or B is a match: the words before and
    behind it then moved past it."""
    for (one, a, b, c, d), (_, start, end, *_), (other, e, f, g, h) in zip(codes, codes[1:], codes[2:], strict=False):
        if (one, other) == ("insert", "delete"):
            moved, gone = claimed[c:d], stated[e:f]
        elif (one, other) == ("delete", "insert"):
            moved, gone = claimed[g:h], stated[a:b]
        else:
            continue
        for at in range(1, len(gone)):
            middle, part = (gone[:at], gone[at:]) if one == "insert" else (gone[at:], gone[:at])
            turned = moved == [*gone[at:], *gone[:at]]
            if turned and _makes_order_matter(middle, lexicon) and _have_content([*part, *stated[start:end]], lexicon):
                return True
    return False


def _have_content(words: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether there is no small word among them: prepositions that move along, and the articles of German, keep
    what is said of whom."""
    return not any(word in STOPWORDS or word in lexicon.function_words for word in words)


def _makes_order_matter(words: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether the words between two parts make their order matter, as "of" does and "and" does not."""
    return any(word.isalpha() and word not in lexicon.conjunctions for word in words)


def _has_exchange(wording: _Wording, stated: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether two words of a claim, put in each other's place, would both fit the order of the source, however
    much else the claim says in another way.

    Where a phrase moved as a whole, an exchange fits one word more at most. Names of a list may stand in any order.
    """
    words, known = wording.words, Counter(stated)
    before = LCSseq.similarity(stated, words)
    if before + 1 >= len(words):
        return False
    content = [
        at for at, word in enumerate(words)
        if known[word] == 1 and word not in STOPWORDS and word not in lexicon.function_words
    ]  # fmt: skip
    for one, other in combinations(content[: limits.MAX_EXCHANGED_WORDS], 2):
        between = [words[at] for at in range(one + 1, other) if not wording.capital[at]]  # without names in a row
        if words[one] == words[other] or not _makes_order_matter(between, lexicon):
            continue
        changed = [*words]
        changed[one], changed[other] = words[other], words[one]
        if LCSseq.similarity(stated, changed) >= before + 2:
            return True
    return False


def _turns(stated: Sequence[str], claimed: Sequence[str], lexicon: Lexicon) -> bool:
    """Return whether a word of the source gave way to one that turns it around, as "before" to "after"."""
    return any(
        (word in ones and set(claimed) & others) or (word in others and set(claimed) & ones)
        for ones, others in lexicon.turning
        for word in stated
    )


def _drops_hedge(stated: Sequence[str], claimed: Sequence[str], blocks: Sequence[Match], lexicon: Lexicon) -> bool:
    """Return whether the claim left out more hedges, of what it restates, than it has of its own."""
    kept = {at for block in blocks for at in range(block.a, block.a + block.size)}
    repeated = {at for block in blocks for at in range(block.b, block.b + block.size)}
    dropped = [
        at for at, word in enumerate(stated) if word in lexicon.hedges and at not in kept and _is_inside(at, kept)
    ]
    own = [
        at
        for at, word in enumerate(claimed)
        if at not in repeated and (word in lexicon.hedges or word in lexicon.modals)
    ]
    return len(dropped) > len(own)


def _is_inside(at: int, kept: set[int]) -> bool:
    """Return whether the claim has kept words of the source just before and just behind a place."""
    near = range(1, limits.HEDGE_REACH + 1)
    return any(at - step in kept for step in near) and any(at + step in kept for step in near)
