"""What a picture shows, judged like a text: a signal of the classifier that is set up, under the policy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from apps.engines import registry
from apps.engines.base import EngineError
from apps.safety import deadlines, degraded, hits, levels, listed, policies, recorded, shadowing, withheld
from apps.safety.check import ALLOWED, AWAY, Judged, Verdict
from apps.safety.folding import UNCHECKED, Signal, Status, fold
from apps.safety.intake import normalise
from apps.safety.levels import Level
from apps.safety.policy import Action, Stage
from apps.safety.recorded import Surface

log = logging.getLogger(__name__)

DRAWN = "A picture drawn from: "  # and then the words, in what is frozen of it
HELD = "An automatic check found something in this picture. A person looks at it."


def check_picture(
    picture: Callable[[], bytes], words: str = "", *, level: Level = Level.SITE, pictogram: bool = False
) -> Verdict:
    """Whether it may be shown. `picture` makes the PNG, JPEG or WebP that a classifier reads, and is not called where
    none is set up; `words` is what it was drawn from, for whoever reviews it; `pictogram`: it can be nothing else.
    Without a classifier, or where it fails, the policy says what follows; then `rule` is "unchecked". Only for threads
    that may use the database."""
    policies.fresh()
    signal = look(picture, pictogram)
    if signal.status in (Status.ERROR, Status.TIMEOUT) and degraded.note("pictures", signal.status):
        degraded.write()
    signals = (signal, *_named(words))
    policy = policies.current()
    outcome = fold(Stage.PICTURE, signals, policy)
    text = DRAWN + normalise(words) if words else "A picture"
    judged = Judged(Stage.PICTURE, text, outcome, signals, policy.number)
    verdict = Verdict(False, outcome.code, AWAY if outcome.code == UNCHECKED else HELD, judged)
    if outcome.allowed:
        verdict = levels.applied(Verdict(True, outcome.code, "", judged), level, policy)
    recorded.note(verdict.judged, level, policy.number, Surface.PICTURES)
    shadowing.write()
    return verdict


def check_words(words: str, *, level: Level = Level.SITE) -> Verdict:
    """Whether lists of the site's own, of names of people and brands for instance, let it be drawn at all: those whose
    stage is the picture. What they only want looked at is looked at when it is drawn."""
    policy = policies.fresh()
    text = normalise(words)
    if policies.allowed(text) or not (found := hits.signals(policy, Stage.PICTURE, text)):
        return ALLOWED
    hits.write()
    signals = (*found, Signal("pictures", "", Status.SKIPPED, {}))
    outcome = levels.judged(Stage.PICTURE, signals, policy, level)
    if outcome.allowed:
        return ALLOWED
    said = [withheld.LISTED_PICTURE, *([withheld.MISTAKE] if outcome.reviewed else [])]
    judged = Judged(Stage.PICTURE, text, outcome, signals, policy.number)
    recorded.note(judged, level, policy.number, Surface.PICTURES)
    return Verdict(False, outcome.code, "\n".join(said), judged)


def _named(words: str) -> list[Signal]:
    """What lists say of the words, with its places behind `DRAWN`; nothing where a person has allowed these."""
    text, by = normalise(words), len(DRAWN)
    if not text or policies.allowed(text):
        return []
    found = listed.signals(policies.current(), Stage.PICTURE, text)
    return [replace(one, spans=tuple((start + by, end + by) for start, end in one.spans)) for one in found]


def blurred_by(verdict: Verdict) -> str:
    """The clause under which it is shown blurred; "" where it is shown as it is."""
    found = verdict.judged
    return found.outcome.code if found is not None and found.outcome.action is Action.BLUR else ""


def look(picture: Callable[[], bytes], pictogram: bool = False) -> Signal:
    """What the classifier says of it; a status where there is none, where it fails, and where a pictogram is nothing
    that it could judge."""
    classify = registry.classify_pictures()
    if classify is None:
        return Signal("pictures", "", Status.MISSING, {})
    if pictogram and not classify.pictograms:
        return Signal("pictures", classify.fingerprint, Status.SKIPPED, {})
    began, scores = time.perf_counter(), {}
    try:
        content = picture()
        scores = dict(deadlines.within(deadlines.SECONDS["pictures"], lambda: classify.scores(content)))
        status = Status.OK if scores else Status.ERROR
    except TimeoutError:
        status = Status.TIMEOUT
    except EngineError:
        status = Status.ERROR
    except Exception:
        log.exception("A picture could not be looked at")
        status = Status.ERROR
    return Signal("pictures", classify.fingerprint, status, scores, ms=(time.perf_counter() - began) * 1000).sound()
