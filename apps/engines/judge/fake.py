"""Fake judge for tests, in two ways: by scripted outcomes, or by the words of sources and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.engines.judge.protocol import Evidence, JudgedSource, Judgement, SentenceJudgement
from apps.engines.types import EngineError


class FakeJudge:
    """Judge without a model. A sentence of `script` gets its outcome; another one is supported by the first source that
    holds it word for word, else not there. `error` is raised by every call."""

    name, key = "judge-fake", "judge fake"
    timeout_s = 10.0

    def __init__(self) -> None:
        self.script: dict[str, SentenceJudgement] = {}
        self.error: EngineError | None = None
        self.asked: list[tuple[str, ...]] = []  # sentences of each call

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        self.asked.append(tuple(sentences))
        if self.error is not None:
            raise self.error
        return {at: self.script.get(text) or _compare(sources, text) for at, text in enumerate(sentences)}


def _compare(sources: Sequence[JudgedSource], sentence: str) -> SentenceJudgement:
    holding = next((item.number for item in sources if sentence in item.text), None)
    if holding is None:
        return SentenceJudgement(Judgement.NOT_THERE, ())
    return SentenceJudgement(Judgement.SUPPORTED, (Evidence(holding, sentence),))
