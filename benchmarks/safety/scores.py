"""Scores and verdicts of many texts, computed as in the gate; training texts are scored by models that did not see
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from apps.engines import registry
from apps.engines.classify.linear_classifier import FOLDER
from apps.lib.text.text_normalization import normalize_text
from apps.safety.detectors.indirect_injection import INJECTION_LABEL, detect_injections
from apps.safety.detectors.rules.engine import RuleCheck
from apps.safety.gate.default_check import decide_verdict
from apps.safety.policy import versions
from apps.safety.policy.evaluation import Signal, SignalStatus
from apps.safety.policy.schema import Stage
from apps.safety.policy.verdicts import Verdict
from apps.safety.text.normalization import normalise
from apps.safety.text.splitting import split_for_classifier
from training.indirect_injection import train as injection_training
from training.text_classifier import train as text_training

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IGNORED_CODES = ("personal_data", "secrets")


class Scorer:
    """Cached scorer of texts."""

    def __init__(self) -> None:
        self._classify = registry.get_text_classifier()
        self._held_out = text_training.load_held_out_scores(FOLDER)
        self._planted = injection_training.load_held_out_scores(FOLDER)
        self._rules = RuleCheck()
        self._known: dict[str, NDArray[np.float32]] = {}

    def get_column(self, label: str) -> int:
        """Return the column of a label."""
        return self._classify.labels.index(label)

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return scores of shape (n, labels): the highest over the parts of each text."""
        cut = {text: split_for_classifier(normalise(text)) for text in dict.fromkeys(texts) if text not in self._known}
        fresh = list(
            {part for pieces in cut.values() for part in pieces if text_training.hash_text(part) not in self._held_out}
        )
        vectors = registry.get_classifier_embedder().embed_passages(
            [self._classify.text_to_embed(part) for part in fresh]
        )
        rows = dict(zip(fresh, self._classify.scores(fresh, vectors), strict=True))
        for text, pieces in cut.items():
            self._known[text] = np.max(
                [rows[part] if part in rows else self._get_held_out_scores(part) for part in pieces], axis=0
            )
        return np.array([self._known[text] for text in texts], np.float32).reshape(-1, len(self._classify.labels))

    def verdict(self, stage: str, text: str) -> Verdict:
        """Return the gate's verdict on the text at "question", "passage" or "answer"."""
        scores = dict(zip(self._classify.labels, map(float, self.scores([text])[0]), strict=True))
        clean = normalise(normalize_text(text) if stage == Stage.PASSAGE else text)  # like passages of documents
        further = [self._get_injection_signal(clean)] if stage == Stage.PASSAGE else []
        return decide_verdict(
            Stage(stage),
            clean,
            self._check_rules(stage, clean),
            scores,
            versions.current_policy(),
            other_signals=further,
        )

    def is_withheld(self, stage: str, text: str) -> bool:
        """Return whether the text is withheld."""
        return not self.verdict(stage, text).allowed

    def is_flagged(self, stage: str, text: str) -> bool:
        """Return whether the text is withheld or flagged, for other reasons than personal data or secrets."""
        verdict = self.verdict(stage, text)
        return verdict.code not in _IGNORED_CODES and (not verdict.allowed or verdict.code != "")

    def _get_injection_signal(self, passage: str) -> Signal:
        """Return the injection signal; for training passages that of the model trained without them."""
        known = self._planted.get(text_training.hash_text(passage))
        if known is None:
            return detect_injections([passage])[0]
        return Signal("planted", "held-out", SignalStatus.OK, {INJECTION_LABEL: known})

    def _get_held_out_scores(self, part: str) -> NDArray[np.float32]:
        return self._held_out[text_training.hash_text(part)]

    def _check_rules(self, stage: str, text: str) -> Verdict:
        return {
            "passage": self._rules.passage,
            "question": self._rules.check_question,
            "answer": self._rules.check_sentence,
        }[stage](text)
