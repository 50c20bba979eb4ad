"""Labelled pairs of a claim and up to three sentences of a source, generated from open texts."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apps.grounding.lexicons import detect_language
from apps.lib.text.sentences import find_sentences
from training.consistency.edits import (
    FALSIFYING_EDITS,
    LIGHT_EDITS,
    SourceSentence,
    extract_names,
    keep_whole,
    recombine,
)

_CONTENTS = re.compile(r"\d+\.\d+\.$")  # a line of a table of contents


@dataclass(frozen=True, slots=True)
class ClaimPair:
    """Training pair. `kind` is the edit of a false claim, "true" or "verbatim" for a true one."""

    claim: str
    source: str
    supported: bool
    kind: str
    language: str


def cut_windows(text: str, language: str) -> Iterator[list[SourceSentence]]:
    """Yield runs of two or three sentences of 6 to 38 words each."""
    pool = tuple(dict.fromkeys(extract_names(text)))[:400]
    for paragraph in text.split("\n\n"):
        found = [" ".join(paragraph[start:end].split()) for start, end in find_sentences(paragraph)]
        good = [s for s in found if _is_prose(s, language)]
        for at in range(0, len(good) - 1, 2):
            window = " ".join(good[at : at + 3])
            yield [SourceSentence(s, language, window, pool) for s in good[at : at + 3]]


def make_pairs(windows: Sequence[list[SourceSentence]], count: int, rng: random.Random) -> list[ClaimPair]:
    """Return about `count` pairs, half of them true, the kinds of errors in equal shares as far as the texts allow."""
    kinds = [*FALSIFYING_EDITS, "recombined", "other"]
    found: list[ClaimPair] = []
    wanted = {kind: count // 2 // len(kinds) for kind in kinds}
    tries = 0
    while sum(wanted.values()) > 0 and tries < count * 60:
        tries += 1
        window = rng.choice(windows)
        kind = rng.choice([kind for kind, left in wanted.items() if left > 0])
        false = _falsify(kind, window, windows, rng)
        if false is None:
            continue
        wanted[kind] -= 1
        # The true claim comes from the same window, mostly the same sentence, so that only the error tells them apart.
        found += [false, _edit_lightly(window, rng)]
    rng.shuffle(found)
    return found


def _falsify(
    kind: str, window: list[SourceSentence], windows: Sequence[list[SourceSentence]], rng: random.Random
) -> ClaimPair | None:
    sentence = rng.choice(window)
    if kind == "other":
        near = rng.random() < 0.7  # a neighbour, about the same subject
        at = rng.randrange(len(windows))
        window = windows[at]
        sentence = rng.choice(window)
        stranger = windows[min(len(windows) - 1, at + rng.randint(1, 3))] if near else rng.choice(windows)
        text: str | None = rng.choice(stranger).text
    elif kind == "recombined":
        text = recombine(sentence, rng.choice([s for s in window if s is not sentence]), rng)
    else:
        text = FALSIFYING_EDITS[kind](sentence, rng)
        if text is not None and rng.random() < 0.5:  # half of them are lightly edited, too
            edit = rng.choice(LIGHT_EDITS)
            text = edit(SourceSentence(text, sentence.language, sentence.window, sentence.pool), rng) or text
    if text is None or text in sentence.window or text.casefold() == sentence.text.casefold():
        return None
    return ClaimPair(text, _source(window, sentence, rng), False, kind, sentence.language)


def _edit_lightly(window: list[SourceSentence], rng: random.Random) -> ClaimPair:
    sentence = rng.choice(window)
    edits = [edit for edit in LIGHT_EDITS if edit is not keep_whole]
    rng.shuffle(edits)
    text = next((made for edit in edits[:4] if (made := edit(sentence, rng))), sentence.text)
    kind = "verbatim" if text == sentence.text else "true"
    return ClaimPair(text, _source(window, sentence, rng), True, kind, sentence.language)


def _source(window: list[SourceSentence], sentence: SourceSentence, rng: random.Random) -> str:
    """Return the sentence alone or with one neighbour, as the product compares it with a claim."""
    if rng.random() < 0.4:
        return sentence.text
    at = window.index(sentence)
    near = window[at - 1 : at + 1] if at and (rng.random() < 0.5 or at + 1 == len(window)) else window[at : at + 2]
    return " ".join(s.text for s in near)


def _is_prose(text: str, language: str) -> bool:
    """Return whether a text is a sentence of 6 to 38 words in `language`: no heading, table of contents or fragment."""
    return (
        6 <= len(text.split()) <= 38
        and text[-1] in ".!?"
        and not _CONTENTS.search(text)
        and text[0].isupper()
        and detect_language(text, "") == language
    )
