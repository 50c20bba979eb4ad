"""Pairs by which a check of sentences is calibrated, loaded from `pairs.jsonl`. `NOTICE.txt` names their sources."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from apps.grounding.passage import Passage

_FILE = Path(__file__).with_name("pairs.jsonl")
PAIRS_VERSION = 1  # of the file; stored with each calibration


@dataclass(frozen=True, slots=True)
class CalibrationPair:
    """Sentence with the question and the passages of its answer, and whether the passages say all of it."""

    set: str
    language: str  # en, de or es
    kind: str  # of a true sentence near_quote, paraphrase, two_places or inference; of a false one what is wrong
    question: str  # "" for none
    passages: tuple[str, ...]
    sentence: str
    is_true: bool

    def build_passages(self) -> dict[int, Passage]:
        """Return the passages under their numbers, from 1, each as a page of its own."""
        return {number: _build_passage(text, number) for number, text in enumerate(self.passages, 1)}


def load_pairs() -> list[CalibrationPair]:
    """Return all pairs in the order of the file."""
    with _FILE.open(encoding="utf-8") as lines:
        return [
            CalibrationPair(
                row["set"], row["language"], row["kind"], row["question"], tuple(row["passages"]), row["sentence"],
                row["true"],
            )
            for row in map(json.loads, lines)
        ]  # fmt: skip


def _build_passage(text: str, number: int) -> Passage:
    return Passage(
        chunk_id=number, document_id=UUID(int=number), collection_id=UUID(int=0), title="", kind="text",
        page_number=1, heading="", spans=((0, len(text)),), text=text, full_start=0, full_end=len(text),
        full_text=text, relevance=0.9, cosine=0.6, bm25=10.0,
    )  # fmt: skip
