"""Support by a model of natural-language inference that the operator names (`SUPPORT_MODEL`), held down by what can be
checked without it: a model may read over another number, a sum never does."""

from __future__ import annotations

from collections.abc import Sequence

from apps.conversations.facts import facts
from apps.conversations.grounding.lexicons import detect_language
from apps.conversations.support import Judgement, disagreeing, nearest, rarity
from apps.engines import registry


class WordsAndInference:
    """Asks the model about each premise and about all of them together."""

    def judge(self, claim: str, premises: Sequence[str]) -> Judgement:
        if not premises:
            return Judgement(0.0, ())
        together = " ".join(dict.fromkeys(premises))
        scores = registry.inference().entailed([(premise, claim) for premise in (together, *premises)])
        language = detect_language(" ".join((claim, *premises)))
        said, given = facts(claim, language), [facts(premise, language) for premise in premises]
        near = nearest(said, premises, rarity(said, given))
        whole = disagreeing(scores[0], said, given, near)
        each = [disagreeing(score, said, [one], near) for score, one in zip(scores[1:], given, strict=True)]
        return Judgement(max(whole, *each), tuple(each))
