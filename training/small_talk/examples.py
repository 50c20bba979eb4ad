"""Training examples of the classifier of small talk, made from the templates in `examples.json`.

The file has messages by kind and language (`talk`), and questions that only sound similar (`questions`). `fill` has
words for the placeholders of a template such as `{n}` or `{thing}`, `around` has frames that change nothing. All of it
was written for this purpose. Paraphrases for tests are in the tests only.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.engines.classify.small_talk import OTHER

_FILE = Path(__file__).with_suffix(".json")
_SEED = 22
_PER_TEMPLATE = 6  # texts drawn from a template with placeholders
_FRAMES_PER_TEXT = 3  # framed texts made from each text
_Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TalkExample:
    """Training text with its kind and the number of its template, 0 for a question."""

    text: str
    kind: str
    template: int


def expand_templates() -> list[TalkExample]:
    """Return all examples, in the same order each time."""
    data, rng = json.loads(_FILE.read_text()), random.Random(_SEED)
    return [*_expand_talk(data, rng), *_expand_questions(data, rng)]


def _expand_talk(data: _Data, rng: random.Random) -> Iterator[TalkExample]:
    templates = [
        (kind, language, template)
        for kind, languages in data["talk"].items()
        for language, texts in languages.items()
        for template in texts
    ]
    for number, (kind, language, template) in enumerate(templates, 1):
        for text in fill_placeholders(data, template, language, rng):
            for frame in ("{}", *rng.sample(data["around"][language], _FRAMES_PER_TEXT)):
                yield TalkExample(frame.format(text), kind, number)


def _expand_questions(data: _Data, rng: random.Random) -> Iterator[TalkExample]:
    for language, texts in data["questions"].items():
        greetings = data["talk"]["greeting"][language] + data["talk"]["thanks"][language]
        for template in texts:
            for text in fill_placeholders(data, template, language, rng):
                yield TalkExample(text, OTHER, 0)
                yield TalkExample(rng.choice(data["around"][language]).format(text), OTHER, 0)
                if "{thing}" in template or "{person}" in template:
                    before = rng.choice(greetings) + rng.choice((", ", "! ", ". ", " "))
                    yield TalkExample(before + text, OTHER, 0)


def fill_placeholders(data: _Data, template: str, language: str, rng: random.Random) -> list[str]:
    """Return the template with its placeholders filled at random, several times; once if it has none."""
    texts = []
    for _ in range(_PER_TEMPLATE if "{" in template else 1):
        text = template
        for name, choices in data["fill"].items():
            words = choices.get(language) or choices["any"]
            while f"{{{name}}}" in text:
                text = text.replace(f"{{{name}}}", rng.choice(words), 1)
        texts.append(text)
    return texts
