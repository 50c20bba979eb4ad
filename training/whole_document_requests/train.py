"""Training of the classifier of requests for a whole document.

Positives come from `examples.json`, negatives also from small talk and the questions of pubmedqa. The file has requests
by kind and language, and questions that only sound similar. Words for the placeholders of a template are `this` (a
document), `title` (names of documents), `topic` (things to list), `x` and `y` (things to compare). Frames around a
message change nothing. All of it was written for this purpose.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apps.engines.classify.small_talk import OTHER, normalise_message
from training.small_talk.examples import TalkExample, expand_templates, fill_placeholders
from training.small_talk.train import fit_and_store, read_questions

_FILE = Path(__file__).with_name("examples.json")
_SEED = 22
_FRAMES_PER_TEXT = 3  # framed texts made from each text
_PLACEHOLDER = re.compile(r"\{(?!this)\w+\}")
_COMPARISON = re.compile(r"\{x\}(.*)\{y\}")
_SMALL_TALK = 16  # every 16th example of small talk; more of them turn long questions into requests
_MIN_LEAD_LETTERS = 5  # letters; shorter words also occur within the compared things
_Data = dict[str, Any]


def train(data: Path, folder: Path, log: Callable[[str], Any]) -> dict[str, Any]:
    """Write weights and card into `folder`; return the card. Deterministic up to floating-point differences."""
    requests = json.loads(_FILE.read_text())
    other_texts = [*(example.text for example in expand_templates()[::_SMALL_TALK]), *read_questions(data)]
    examples = [*expand_requests(requests), *(TalkExample(text, OTHER, 0) for text in other_texts)]
    templates_by_word, wording = _read_wording(requests)
    return fit_and_store(
        folder, "whole_document_requests", examples, templates_by_word, log, wording=wording, **_read_frames(requests)
    )


def expand_requests(data: _Data) -> Iterator[TalkExample]:
    """Yield all examples, in the same order each time."""
    rng = random.Random(_SEED)
    for number, kind, language, template in _templates(data):
        for text in fill_placeholders(data, template, language, rng):
            for frame in ("{}", *rng.sample(data["around"][language], _FRAMES_PER_TEXT)):
                yield TalkExample(frame.format(text), kind, number)
    for language, texts in data["questions"].items():
        for template in texts:
            for text in fill_placeholders(data, template, language, rng):
                yield TalkExample(text, OTHER, 0)
                yield TalkExample(rng.choice(data["around"][language]).format(text), OTHER, 0)


def _templates(data: _Data) -> Iterator[tuple[int, str, str, str]]:
    number = 0
    for kind, languages in data["requests"].items():
        for language, texts in languages.items():
            for template in texts:
                number += 1
                yield number, kind, language, template


def _read_wording(data: _Data) -> tuple[dict[str, set[int]], dict[str, list[str]]]:
    """Return the templates of each word of the requests, without the words in their placeholders, and the words by
    kind."""
    templates_by_word: dict[str, set[int]] = defaultdict(set)
    wording: dict[str, set[str]] = defaultdict(set)
    for number, kind, language, template in _templates(data):
        document_words = data["fill"]["this"][language] if "{this}" in template else []
        words = set(_words(_PLACEHOLDER.sub(" ", template), *document_words))
        for word in words:
            templates_by_word[word].add(number)
        wording[kind] |= words
    frame_words = {word for texts in data["around"].values() for text in texts for word in _words(text)}
    for word in frame_words:
        templates_by_word[word] |= {0, -1}
    for kind in data["requests"]:
        wording[kind] |= frame_words
    return dict(templates_by_word), {kind: sorted(words) for kind, words in wording.items()}


def _read_frames(data: _Data) -> dict[str, list[str]]:
    """Return the words between the sides of a comparison, the commonest first, and the words right before them."""
    joints, leads = Counter[str](), set[str]()
    for _, kind, _, template in _templates(data):
        if kind == "compare" and (found := _COMPARISON.search(template)):
            joints[" ".join(_words(found[1]))] += 1
            leads.update(_words(template[: found.start()])[-1:])
    return {
        "joints": [joint for joint, _ in joints.most_common() if joint],
        "leads": sorted(word for word in leads if len(word) >= _MIN_LEAD_LETTERS),
    }


def _words(*texts: str) -> list[str]:
    return [word for text in texts for word in normalise_message(re.sub(r"\{\w*\}", " ", text)).split()]
