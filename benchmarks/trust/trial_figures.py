"""Figures of the trial, from what was shown and what readers judged. Pure.

A sentence is judged without a reader in one case: its words are in the page that it cites, and they hold the answer of
the question. Every other sentence needs a verdict in `trial_data/judgements.jsonl`: right, wrong, or beside (true, but
no answer to the question). A sentence without a verdict counts in no share, and is counted as unjudged.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.trust.trial_asking import ShownAnswer, ShownSentence
from benchmarks.trust.trial_questions import HALVES, Question, Verdict, fold_spaces, hash_sentence

Judgements = Mapping[tuple[str, str], Verdict]
_ORNAMENT = re.compile(r"\[\d+\]|^[\s*#>|•·-]+")


@dataclass(frozen=True, slots=True)
class JudgedSentence:
    """Sentence with its verdict; None if no reader has judged it."""

    sentence: ShownSentence
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """Question with what was shown for it. `holds`: a quote, or all quotes in order, contain the whole answer."""

    question: Question
    shown: ShownAnswer
    holds: bool
    sentences: tuple[JudgedSentence, ...] = field(default=())

    @property
    def pilled(self) -> list[JudgedSentence]:
        """Sentences behind which a source is named, folded or not."""
        return [item for item in self.sentences if item.sentence.pill]

    @property
    def visible(self) -> list[JudgedSentence]:
        """Sentences that the user sees without unfolding anything."""
        return [item for item in self.sentences if not item.sentence.folded]

    @property
    def silent(self) -> bool:
        """True if the page claims nothing: no quote, and no sentence with a pill."""
        return not self.shown.quotes and not self.pilled

    @property
    def talked(self) -> bool:
        """True if small talk was taken as such: no quote, no notice that nothing was found, no pill. If an answer is
        expected, the words must hold it."""
        fits = not self.question.answers or self.question.holds(self.shown.words)
        return self.silent and not self.shown.nothing and bool(self.shown.words) and fits


def judge_results(
    questions: Iterable[Question], shown: Iterable[ShownAnswer], rests: Mapping[str, Any], judgements: Judgements
) -> list[TrialResult]:
    """Return the result of each question. `rests` is the output of `trial_product.read_answers`, by answer."""
    seen = {item.id: item for item in shown}
    results = []
    for question in questions:
        if (item := seen.get(question.id)) is None:
            continue
        cites = rests.get(item.answer, {}).get("cites", {})
        judged = tuple(
            JudgedSentence(
                sentence, judge_sentence(question, sentence, cites.get(str(sentence.number), ()), judgements)
            )
            for sentence in item.sentences
        )
        results.append(
            TrialResult(question, item, any(map(question.holds, [*item.quotes, " ".join(item.quotes)])), judged)
        )
    return results


def judge_sentence(
    question: Question, sentence: ShownSentence, cites: Sequence[Mapping[str, Any]], judgements: Judgements
) -> Verdict | None:
    """Return the reader's verdict, else "right" for words of the cited page that hold the answer, else None."""
    told = judgements.get((question.id, hash_sentence(sentence.text)))
    if told is not None:
        return told
    words = fold_spaces(_ORNAMENT.sub("", sentence.text)).casefold()
    verbatim = any(words and words in fold_spaces(cite["text"]).casefold() for cite in cites)
    return "right" if verbatim and question.answerable and question.holds(sentence.text) else None


def compute_figures(results: Sequence[TrialResult]) -> dict[str, float]:
    """Return the figures of the report half under their names, those of the other half as `trial.tune.…`. Each share
    has its count, of questions or of judged sentences, as `….count`; a share of nothing is left out."""
    figures: dict[str, float] = {}
    for half in HALVES:
        prefix = "trial" if half == "report" else f"trial.{half}"
        own = [result for result in results if result.question.half == half]
        figures |= {f"{prefix}.{name}": value for name, value in _compute_half(own).items()}
    return figures


def _compute_half(results: Sequence[TrialResult]) -> dict[str, float]:
    answerable = [result for result in results if result.question.answerable]
    absent = [result for result in results if result.question.absent]
    talk = [result for result in results if result.question.talk]
    pilled = [item for result in results for item in result.pilled]
    visible = [item for result in answerable + absent for item in result.visible]
    seconds = [result.shown.quotes_s for result in answerable if result.shown.quotes_s is not None]
    figures = {
        **_share("quotes_hold", [result.holds for result in answerable]),
        **_share("answerable_quoted", [bool(result.shown.quotes) for result in answerable]),
        **_share("absent_said", [result.silent for result in absent]),
        **_share("talk_understood", [result.talked for result in talk]),
        **_verdicts("with_pill", pilled),
        **_verdicts("shown", visible),
        "questions": len(results),
        "unjudged": len({(id(item)) for item in pilled + visible if item.verdict is None}),
    }
    if seconds:
        figures |= {"quotes_s_p50": statistics.median(seconds), "quotes_s_max": max(seconds)}
    return figures


def _share(name: str, truths: Sequence[bool]) -> dict[str, float]:
    return {name: sum(truths) / len(truths), f"{name}.count": len(truths)} if truths else {}


def _verdicts(where: str, sentences: Sequence[JudgedSentence]) -> dict[str, float]:
    """Return the shares of wrong sentences, and of true ones beside the question, among the judged."""
    told = [item.verdict for item in sentences if item.verdict is not None]
    names = {"with_pill": ("wrong_with_pill", "beside_with_pill"), "shown": ("shown_wrong", "shown_beside")}[where]
    verdicts: tuple[Verdict, Verdict] = ("wrong", "beside")
    return {
        key: value
        for name, verdict in zip(names, verdicts, strict=True)
        for key, value in _share(name, [item == verdict for item in told]).items()
    }


def list_unjudged(results: Iterable[TrialResult], rests: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a reader needs in order to judge: the question, the sentence with its key, and what it cites."""
    rows = []
    for result in results:
        cites = rests.get(result.shown.answer, {}).get("cites", {})
        for item in result.sentences:
            counted = item.sentence.pill or (not item.sentence.folded and not result.question.talk)
            if item.verdict is None and counted:
                support = [
                    f"{cite['document']}, page {cite['page']}: {fold_spaces(cite['support'])}"
                    for cite in cites.get(str(item.sentence.number), ())
                ]
                rows.append(
                    {
                        "id": result.question.id,
                        "sentence": hash_sentence(item.sentence.text),
                        "question": result.question.question,
                        "text": item.sentence.text,
                        "pill": item.sentence.pill,
                        "answers": list(result.question.answers),
                        "support": support,
                    }
                )
    return rows
