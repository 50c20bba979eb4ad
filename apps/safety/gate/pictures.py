"""Check pictures with the configured classifier and the blocklists, under the policy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from apps.engines import registry
from apps.engines.types import EngineError
from apps.safety.detectors import blocklists, timeouts
from apps.safety.models import detector_outages
from apps.safety.models.strictness import Strictness
from apps.safety.models.verdict_log import Surface
from apps.safety.policy import blocklist_matcher, strictness, user_messages, versions
from apps.safety.policy.evaluation import UNCHECKED, Signal, SignalStatus, evaluate_policy
from apps.safety.policy.schema import Action, Stage
from apps.safety.policy.verdicts import ALLOWED, UNAVAILABLE_MESSAGE, EvaluationRecord, Verdict
from apps.safety.text.normalization import normalise
from apps.safety.verdict_log import recorder, shadow

log = logging.getLogger(__name__)

PROMPT_PREFIX = "A picture drawn from: "  # followed by the prompt, in the frozen text
HELD_MESSAGE = "An automatic check withheld this picture. A reviewer will look at it."


def check_picture(
    picture: Callable[[], bytes], prompt: str = "", *, level: Strictness = Strictness.SITE, pictogram: bool = False
) -> Verdict:
    """Return whether the picture may be shown.

    `picture` returns its PNG, JPEG or WebP bytes; not called without a classifier. `prompt` is the prompt, for
    reviewers. `pictogram`: the picture can be nothing else. If the classifier of another picture is missing or fails,
    the policy decides and `code` may be "unchecked". For threads that may use the database.
    """
    versions.load_fresh_policy()
    signal = classify_picture(picture, pictogram)
    if signal.status in (SignalStatus.ERROR, SignalStatus.TIMEOUT) and detector_outages.record_outage(
        "pictures", signal.status
    ):
        detector_outages.write_outages()
    signals = (signal, *_match_blocklists(prompt))
    policy = versions.current_policy()
    result = evaluate_policy(Stage.PICTURE, signals, policy)
    text = PROMPT_PREFIX + normalise(prompt) if prompt else "A picture"
    evaluation = EvaluationRecord(Stage.PICTURE, text, result, signals, policy.number)
    verdict = Verdict(False, result.code, UNAVAILABLE_MESSAGE if result.code == UNCHECKED else HELD_MESSAGE, evaluation)
    if result.allowed:
        verdict = strictness.apply_strictness(Verdict(True, result.code, "", evaluation), level, policy)
    recorder.queue_verdict(verdict.evaluation, level, policy.number, Surface.PICTURES)
    shadow.write_verdicts()
    return verdict


def check_picture_prompt(prompt: str, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Return whether the blocklists for pictures allow the prompt to be drawn.

    A list that only requires a review does not stop it; the drawn picture is reviewed. For threads that may use the
    database.
    """
    policy = versions.load_fresh_policy()
    text = normalise(prompt)
    if versions.is_allowed_text(text) or not (
        list_signals := blocklists.detect_blocklists(policy, Stage.PICTURE, text)
    ):
        return ALLOWED
    blocklists.write_hits()
    signals = (*list_signals, Signal("pictures", "", SignalStatus.SKIPPED, {}))
    result = strictness.evaluate_at(Stage.PICTURE, signals, policy, level)
    if result.allowed:
        return ALLOWED
    lines = [user_messages.BLOCKLIST_PICTURE, *([user_messages.REVIEW_NOTE] if result.reviewed else [])]
    evaluation = EvaluationRecord(Stage.PICTURE, text, result, signals, policy.number)
    recorder.queue_verdict(evaluation, level, policy.number, Surface.PICTURES)
    return Verdict(False, result.code, "\n".join(lines), evaluation)


def _match_blocklists(prompt: str) -> list[Signal]:
    """Return the blocklist signals of the prompt, spans shifted by PROMPT_PREFIX; `[]` if a reviewer allowed the
    prompt."""
    text, offset = normalise(prompt), len(PROMPT_PREFIX)
    if not text or versions.is_allowed_text(text):
        return []
    list_signals = blocklist_matcher.match_blocklists(versions.current_policy(), Stage.PICTURE, text)
    return [
        replace(signal, spans=tuple((start + offset, end + offset) for start, end in signal.spans))
        for signal in list_signals
    ]


def blur_clause(verdict: Verdict) -> str:
    """Return the clause under which the picture is shown blurred; "" if it is not blurred."""
    evaluation = verdict.evaluation
    return evaluation.result.code if evaluation is not None and evaluation.result.action is Action.BLUR else ""


def classify_picture(picture: Callable[[], bytes], pictogram: bool = False) -> Signal:
    """Return the classifier's signal. Status SKIPPED for a pictogram unless a classifier can judge it, else MISSING
    without a classifier."""
    classifier = registry.get_image_classifier()
    if pictogram and (classifier is None or not classifier.pictograms):
        return Signal("pictures", classifier.fingerprint if classifier else "", SignalStatus.SKIPPED, {})
    if classifier is None:
        return Signal("pictures", "", SignalStatus.MISSING, {})
    began, scores = time.perf_counter(), {}
    try:
        content = picture()
        scores = dict(timeouts.run_with_timeout(timeouts.TIMEOUT_S["pictures"], lambda: classifier.scores(content)))
        status = SignalStatus.OK if scores else SignalStatus.ERROR
    except TimeoutError:
        status = SignalStatus.TIMEOUT
    except EngineError:
        status = SignalStatus.ERROR
    except Exception:
        log.exception("A picture could not be looked at")
        status = SignalStatus.ERROR
    return Signal(
        "pictures", classifier.fingerprint, status, scores, ms=(time.perf_counter() - began) * 1000
    ).validated()
