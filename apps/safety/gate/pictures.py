"""What a picture shows, judged like a text: a signal of the classifier that is set up, under the policy."""

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

PROMPT_PREFIX = "A picture drawn from: "  # and then the words, in what is frozen of it
HELD_MESSAGE = "An automatic check found something in this picture. A person looks at it."


def check_picture(
    picture: Callable[[], bytes], words: str = "", *, level: Strictness = Strictness.SITE, pictogram: bool = False
) -> Verdict:
    """Whether it may be shown. `picture` makes the PNG, JPEG or WebP that a classifier reads, and is not called where
    none is set up; `words` is what it was drawn from, for whoever reviews it; `pictogram`: it can be nothing else.
    Without a classifier, or where it fails, the policy says what follows; then `rule` is "unchecked". Only for threads
    that may use the database."""
    versions.load_fresh_policy()
    signal = classify_picture(picture, pictogram)
    if signal.status in (SignalStatus.ERROR, SignalStatus.TIMEOUT) and detector_outages.record_outage(
        "pictures", signal.status
    ):
        detector_outages.write_outages()
    signals = (signal, *_match_blocklists(words))
    policy = versions.current_policy()
    outcome = evaluate_policy(Stage.PICTURE, signals, policy)
    text = PROMPT_PREFIX + normalise(words) if words else "A picture"
    judged = EvaluationRecord(Stage.PICTURE, text, outcome, signals, policy.number)
    verdict = Verdict(False, outcome.code, UNAVAILABLE_MESSAGE if outcome.code == UNCHECKED else HELD_MESSAGE, judged)
    if outcome.allowed:
        verdict = strictness.apply_strictness(Verdict(True, outcome.code, "", judged), level, policy)
    recorder.queue_verdict(verdict.judged, level, policy.number, Surface.PICTURES)
    shadow.write_verdicts()
    return verdict


def check_picture_prompt(words: str, *, level: Strictness = Strictness.SITE) -> Verdict:
    """Whether lists of the site's own, of names of people and brands for instance, let it be drawn at all: those whose
    stage is the picture. What they only want looked at is looked at when it is drawn."""
    policy = versions.load_fresh_policy()
    text = normalise(words)
    if versions.is_allowed_text(text) or not (found := blocklists.detect_blocklists(policy, Stage.PICTURE, text)):
        return ALLOWED
    blocklists.write_hits()
    signals = (*found, Signal("pictures", "", SignalStatus.SKIPPED, {}))
    outcome = strictness.evaluate_at(Stage.PICTURE, signals, policy, level)
    if outcome.allowed:
        return ALLOWED
    said = [user_messages.BLOCKLIST_PICTURE, *([user_messages.REVIEW_NOTE] if outcome.reviewed else [])]
    judged = EvaluationRecord(Stage.PICTURE, text, outcome, signals, policy.number)
    recorder.queue_verdict(judged, level, policy.number, Surface.PICTURES)
    return Verdict(False, outcome.code, "\n".join(said), judged)


def _match_blocklists(words: str) -> list[Signal]:
    """What lists say of the words, with its places behind `DRAWN`; nothing where a person has allowed these."""
    text, by = normalise(words), len(PROMPT_PREFIX)
    if not text or versions.is_allowed_text(text):
        return []
    found = blocklist_matcher.match_blocklists(versions.current_policy(), Stage.PICTURE, text)
    return [replace(one, spans=tuple((start + by, end + by) for start, end in one.spans)) for one in found]


def blur_clause(verdict: Verdict) -> str:
    """The clause under which it is shown blurred; "" where it is shown as it is."""
    found = verdict.judged
    return found.outcome.code if found is not None and found.outcome.action is Action.BLUR else ""


def classify_picture(picture: Callable[[], bytes], pictogram: bool = False) -> Signal:
    """What the classifier says of it; a status where there is none, where it fails, and where a pictogram is nothing
    that it could judge."""
    classify = registry.get_image_classifier()
    if classify is None:
        return Signal("pictures", "", SignalStatus.MISSING, {})
    if pictogram and not classify.pictograms:
        return Signal("pictures", classify.fingerprint, SignalStatus.SKIPPED, {})
    began, scores = time.perf_counter(), {}
    try:
        content = picture()
        scores = dict(timeouts.run_with_timeout(timeouts.TIMEOUT_S["pictures"], lambda: classify.scores(content)))
        status = SignalStatus.OK if scores else SignalStatus.ERROR
    except TimeoutError:
        status = SignalStatus.TIMEOUT
    except EngineError:
        status = SignalStatus.ERROR
    except Exception:
        log.exception("A picture could not be looked at")
        status = SignalStatus.ERROR
    return Signal("pictures", classify.fingerprint, status, scores, ms=(time.perf_counter() - began) * 1000).sound()
