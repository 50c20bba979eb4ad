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
from training.small_talk.examples import TalkExample, expand, fill_places
from training.small_talk.train import fit, read_questions

_FILE = Path(__file__).with_name("examples.json")
_SEED = 22
_WRAPPED = 3  # framed texts made from each text
_PLACE = re.compile(r"\{(?!this)\w+\}")
_JOINT = re.compile(r"\{x\}(.*)\{y\}")
_SMALL_TALK = 16  # every 16th example of small talk; more of them turn long questions into requests
_LEAD = 5  # letters; shorter words also occur within the compared things
_Data = dict[str, Any]


def train(data: Path, folder: Path, say: Callable[[str], Any]) -> dict[str, Any]:
    """Write weights and card into `folder`; return the card. Deterministic up to floating-point differences."""
    written = json.loads(_FILE.read_text())
    others = [*(example.text for example in expand()[::_SMALL_TALK]), *read_questions(data)]
    examples = [*expand_requests(written), *(TalkExample(text, OTHER, 0) for text in others)]
    where, wording = _read_wording(written)
    return fit(folder, "requests", examples, where, say, wording=wording, **_read_frames(written))


def expand_requests(data: _Data) -> Iterator[TalkExample]:
    """Yield all examples, in the same order each time."""
    drawn = random.Random(_SEED)
    for number, kind, language, template in _templates(data):
        for text in fill_places(data, template, language, drawn):
            for around in ("{}", *drawn.sample(data["around"][language], _WRAPPED)):
                yield TalkExample(around.format(text), kind, number)
    for language, texts in data["questions"].items():
        for template in texts:
            for text in fill_places(data, template, language, drawn):
                yield TalkExample(text, OTHER, 0)
                yield TalkExample(drawn.choice(data["around"][language]).format(text), OTHER, 0)


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
    where: dict[str, set[int]] = defaultdict(set)
    wording: dict[str, set[str]] = defaultdict(set)
    for number, kind, language, template in _templates(data):
        named = data["fill"]["this"][language] if "{this}" in template else []
        words = set(_words(_PLACE.sub(" ", template), *named))
        for word in words:
            where[word].add(number)
        wording[kind] |= words
    around = {word for texts in data["around"].values() for text in texts for word in _words(text)}
    for word in around:
        where[word] |= {0, -1}
    for kind in data["requests"]:
        wording[kind] |= around
    return dict(where), {kind: sorted(words) for kind, words in wording.items()}


def _read_frames(data: _Data) -> dict[str, list[str]]:
    """Return the words between the sides of a comparison, the commonest first, and the words right before them."""
    joints, leads = Counter[str](), set[str]()
    for _, kind, _, template in _templates(data):
        if kind == "compare" and (found := _JOINT.search(template)):
            joints[" ".join(_words(found[1]))] += 1
            leads.update(_words(template[: found.start()])[-1:])
    return {
        "joints": [joint for joint, _ in joints.most_common() if joint],
        "leads": sorted(word for word in leads if len(word) >= _LEAD),
    }


def _words(*texts: str) -> list[str]:
    return [word for text in texts for word in normalise_message(re.sub(r"\{\w*\}", " ", text)).split()]
