"""Contract of judges, which read sources and say of each sentence of an answer whether they support it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Judgement(StrEnum):
    """Outcome for one sentence."""

    SUPPORTED = "supported"  # the sources say all of it
    PARTLY = "partly"
    CONTRADICTED = "contradicted"  # a source says otherwise
    NOT_THERE = "not_there"


@dataclass(frozen=True, slots=True)
class JudgedSource:
    """Numbered source as the judge reads it. `title` holds title and heading."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of a source that a judge names for its outcome. They are untrusted: the source may not hold them."""

    source: int
    words: str


@dataclass(frozen=True, slots=True)
class SentenceJudgement:
    """Outcome for one sentence. `evidence` is None if the judge cannot name any, () if it named none."""

    outcome: Judgement
    evidence: tuple[Evidence, ...] | None = None


class JudgeEngine(Protocol):
    """Judge of sentences. Async, for any event loop; takes seconds."""

    name: str  # of the model
    key: str  # of its calibration: kind, format and model
    timeout_s: float  # longest time of one call of `judge`, in seconds

    async def judge(self, sources: Sequence[JudgedSource], sentences: Sequence[str]) -> Mapping[int, SentenceJudgement]:
        """Return the outcome by index of the sentence; a sentence that the judge passed over is missing.

        Raise EngineUnavailable on a timeout or failed server, EngineBusy, EngineRefused for a request that the server
        refuses, and EngineBroken for output outside the format. None of these says anything of the sentences.
        """
