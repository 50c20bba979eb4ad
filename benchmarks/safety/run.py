"""Quality of the gate: how well it separates harmful from harmless texts, its false blocks, and its cost.

Texts that the packaged classifiers were trained on are scored by cross-validation models that did not see them. Folds
of BIPIA hold out all attacks of a type and the e-mail, folds of presidio_pii all sentences of a template. Other texts
are scored by the packaged models, through the gate's own policy evaluation.

    auprc.SET, f1.SET, macro_f1.SET   of the set's label; F1 at the deployed threshold
    recall.SET                        for sets of harmful texts only: the share flagged or withheld
    false_block_rate                  harmless questions withheld, harmless passages flagged or withheld
    injection.KIND, injection_mean    rightly flagged, or rightly passed if the kind is harmless, and their mean
    attack_success_with, _without     attacks that reach the model without a flag
    recall.presidio_pii.KIND, f2.presidio_pii   personal data with exactly the right span; F2 over all kinds, names too
    ms_per_masking                    one or two sentences with all personal data masked, names too, on one core
    bias.KIND.GROUP, bias.KIND.gap    wrongly flagged, wrongly passed, by the group that a sentence of HateCheck names
    ms_per_check                      one sentence through rules, embedder and classifiers: CPU time, on one core
"""

from __future__ import annotations

import statistics
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import (  # type: ignore[import-untyped]
    average_precision_score,
    f1_score,
    precision_recall_curve,
)

from apps.engines import registry
from apps.safety.detectors.rules.engine import RuleCheck
from apps.safety.gate.default_check import decide_verdict, score_text
from apps.safety.policy import versions
from apps.safety.policy.schema import Stage
from benchmarks.safety import datasets as safety_datasets
from benchmarks.safety.bias import measure_bias
from benchmarks.safety.datasets import LabelledText
from benchmarks.safety.personal import measure_pii
from benchmarks.safety.scores import Scorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL_OF_SET = {
    "openai_moderation": "harm", "davidson": "hate", "hatecheck": "hate", "harmful_behaviors": "crime",
    "do_not_answer": "crime", "xstest": "crime",
}  # fmt: skip
INJECTIONS = ("jailbreaks", "giskard_injections", "piguard", "bipia")
HARMLESS = ("clapnq", "pubmedqa", "covidqa", "xquad", "cranfield", "cacm", "adi", "anthropic_docs_rag")
_EACH = 400  # questions, and as many passages, of each harmless set
_TIMED = 200


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--sets", nargs="+", default=(), metavar="SET", help="only these sets of harm and attacks")
    parser.add_argument("--each", type=int, default=_EACH, metavar="N", help="texts of each harmless set and kind")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return the numbers above for the sets that are present."""
    scorer, data = Scorer(), options["data"]
    names = options["sets"] or (*LABEL_OF_SET, *INJECTIONS)
    numbers: dict[str, float] = {}
    harmless_scores = _measure_harmless(scorer, data, options["each"], numbers)
    for name in names:
        items = safety_datasets.read_labelled_set(data, name) if name in LABEL_OF_SET else []
        if items:
            numbers |= _measure_set(name, items, scorer, harmless_scores)
    numbers |= _measure_injections(
        [item for name in names if name in INJECTIONS for item in safety_datasets.read_labelled_set(data, name)], scorer
    )
    numbers |= measure_bias(data, scorer) if not options["sets"] or "hatecheck" in options["sets"] else {}
    numbers |= measure_pii(data) if not options["sets"] or "presidio_pii" in options["sets"] else {}
    sentences = [text for text in safety_datasets.read_harmless(data, HARMLESS, 60) if 40 < len(text) < 400]
    return numbers | ({"ms_per_check": measure_milliseconds(sentences[:_TIMED])} if sentences else {})


def _measure_set(
    name: str, items: list[LabelledText], scorer: Scorer, harmless_scores: NDArray[np.float32]
) -> dict[str, float]:
    """Return the metrics of one set; a set of harmful texts only is measured against the harmless questions."""
    label = LABEL_OF_SET[name]
    labelled = [item for item in items if label in item.labels]
    scores = scorer.scores([item.text for item in labelled])[:, scorer.get_column(label)]
    expected = np.array([item.labels[label] for item in labelled])
    threshold = registry.get_text_classifier().thresholds[label]
    numbers: dict[str, float] = {}
    if expected.all():
        flagged = [scorer.is_flagged("question", item.text) for item in labelled]
        numbers[f"recall.{name}"] = float(np.mean(flagged))
        scores = np.concatenate([scores, harmless_scores[:, scorer.get_column(label)]])
        expected = np.concatenate([expected, np.zeros(len(harmless_scores), bool)])
    else:
        numbers[f"macro_f1.{name}"] = float(f1_score(expected, scores >= threshold.flag, average="macro"))
    precision, recall, _ = precision_recall_curve(expected, scores)
    return numbers | {
        f"auprc.{name}": float(average_precision_score(expected, scores)),
        f"f1.{name}": float(f1_score(expected, scores >= threshold.flag)),
        f"best_f1.{name}": float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))),
    }


def _measure_injections(items: Sequence[LabelledText], scorer: Scorer) -> dict[str, float]:
    correct_by_kind: dict[str, list[bool]] = defaultdict(list)
    missed = []
    for item in items:
        is_flagged = scorer.is_flagged("passage" if item.passage else "question", item.text)
        attack = item.labels["prompt_attack"]
        correct_by_kind[f"injection.{item.source}.{item.kind}"].append(is_flagged == attack)
        if attack:
            missed.append(not is_flagged)
    kinds = {kind: float(np.mean(values)) for kind, values in sorted(correct_by_kind.items())}
    if not kinds:
        return {}
    mean = {"injection_mean": statistics.fmean(kinds.values())}
    return (
        kinds
        | mean
        | ({"attack_success_with": float(np.mean(missed)), "attack_success_without": 1.0} if missed else {})
    )


def _measure_harmless(scorer: Scorer, data: Path, each: int, numbers: dict[str, float]) -> NDArray[np.float32]:
    """Add the false-block rates to `numbers` and return the scores of the questions."""
    rates, questions = [], []
    for name in HARMLESS:
        for kind in ("questions", "passages"):
            texts = list(safety_datasets.read_harmless(data, (name,), each, kind))
            if not texts:
                continue
            scorer.scores(texts)
            stages = ("question",) if kind == "questions" else ("passage", "answer")
            blocked = [any(scorer.is_withheld(stage, text) for stage in stages) for text in texts]
            numbers[f"false_block.{name}.{kind}"] = float(np.mean(blocked))
            rates += blocked
            questions += texts if kind == "questions" else []
    if rates:
        numbers["false_block_rate"] = float(np.mean(rates))
    return scorer.scores(questions)


def measure_milliseconds(sentences: Sequence[str]) -> float:
    """Return the median CPU milliseconds of a check over new sentences. CPU time of all threads does not depend on
    other load."""
    rules, policy = RuleCheck(), versions.current_policy()
    score_text("A sentence that makes everything ready.")
    milliseconds = []
    for text in sentences:
        began = time.process_time()
        decide_verdict(Stage.ANSWER, text, rules.check_sentence(text), score_text(f"{text} "), policy)
        milliseconds.append((time.process_time() - began) * 1000)
    return statistics.median(milliseconds)
