"""Training examples of the reader: questions with passages that answer them and with passages that do not.

Each question of the open sets gives its own paragraph, one or two others of the same document that do not hold the
answer, sometimes the paragraph of another question, and sometimes its own with the answering sentence taken out.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.lib.text.sentences import find_sentences

Span = tuple[int, int]

# Questions of a set used for training, at most; sets that are not named are in scripts that MiniLM does not read.
QUESTIONS = {
    "boolq": 1600, "fairytale": 2400, "faquad": 500, "fetaqa": 1000, "medquad": 600, "new_wiki": 4000, "qed": 800,
    "selqa": 1400, "squad_es": 2500, "tatqa": 1600, "tydi_en": 2400, "wtq": 2600,
}  # fmt: skip
SAME_DOCUMENT = 0.25  # probability of a second passage of the same document that does not answer
OTHER_DOCUMENT = 0.2  # of a passage of another question
TAKEN_OUT = 0.25  # of the own passage without the answering sentence
TITLED = 0.6  # of a passage that begins with its title, as the product's do
JOINED = 0.5  # of a short passage that is joined with one that does not answer
SHORT_CHARS, MOST_CHARS = 250, 500  # of passages to join, and of any passage
BARE = 0.3  # of a question without its question mark, as people type


@dataclass(frozen=True, slots=True)
class ReaderExample:
    """A question with a passage. `sentence` and `answer` are spans of the passage's text; None: not known, so that the
    places of the passage say nothing. Of a passage that does not answer both are empty spans."""

    question: str
    text: str
    is_answered: bool
    sentence: Span | None
    answer: Span | None
    set_name: str
    kind: str


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an open set of questions with paragraphs."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def build_examples(rows: Sequence[Mapping[str, Any]], rng: random.Random) -> list[ReaderExample]:
    """Return the examples of all sets that are named in QUESTIONS, shuffled."""
    by_set: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["set"] in QUESTIONS:
            by_set[row["set"]].append(row)
    chosen = [row for name, found in by_set.items() for row in rng.sample(found, min(QUESTIONS[name], len(found)))]
    examples = [example for row in chosen for example in _read_question(row, chosen, rng)]
    rng.shuffle(examples)
    return examples


def _read_question(
    row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], rng: random.Random
) -> Iterator[ReaderExample]:
    question, own = row["question"], row["paragraphs"][0]
    if rng.random() < BARE:
        question = question.rstrip("? ")
    others = [text for text in row["paragraphs"][1:] if not _holds_answer(text, row)]
    rng.shuffle(others)

    def make(text: str, title: str, *, is_answered: bool, sentence: Span | None, answer: Span | None) -> ReaderExample:
        return _place(
            ReaderExample(question, text, is_answered, sentence, answer, row["set"], row["kind"]), title, others, rng
        )

    def make_unanswered(text: str, title: str) -> ReaderExample:
        return make(text, title, is_answered=False, sentence=(0, 0), answer=(0, 0))

    if row["kind"] == "none":
        yield make_unanswered(own, row["title"])
    else:
        sentence, answer = _locate(own, row)
        yield make(own, row["title"], is_answered=True, sentence=sentence, answer=answer)
        if sentence is not None and sentence[1] - sentence[0] < len(own) - 100 and rng.random() < TAKEN_OUT:
            rest = own[: sentence[0]] + own[sentence[1] :].lstrip()
            if not _holds_answer(rest, row):
                yield make_unanswered(rest, row["title"])
    for text in others[: 1 + (rng.random() < SAME_DOCUMENT)]:
        yield make_unanswered(text, row["title"])
    if rng.random() < OTHER_DOCUMENT:
        other = rng.choice(rows)
        if other["doc"] != row["doc"] and not _holds_answer(other["paragraphs"][0], row):
            yield make_unanswered(other["paragraphs"][0], other["title"])


def _holds_answer(text: str, row: Mapping[str, Any]) -> bool:
    lowered = text.casefold()
    return any(answer and answer.casefold() in lowered for answer in row["answers"]) or text == row["paragraphs"][0]


def _locate(text: str, row: Mapping[str, Any]) -> tuple[Span | None, Span | None]:
    """Return where the answering sentence and in it the answer stand; None where they are not found."""
    wanted = row["answer_sentence"]
    start = text.find(wanted) if wanted else -1
    if start < 0:
        return None, None
    sentence = start, start + len(wanted)
    for answer in row["answers"]:
        if (at := wanted.casefold().find(answer.casefold())) >= 0 and answer:
            return sentence, (start + at, start + at + len(answer))
    return sentence, None


def _place(example: ReaderExample, title: str, others: Sequence[str], rng: random.Random) -> ReaderExample:
    """Return the example as the product would read it: cut to a passage, joined with a neighbour, under its title."""
    example = _cut(example, rng)
    if len(example.text) < SHORT_CHARS and others and example.kind != "table" and rng.random() < JOINED:
        beside = _cut_text(others[-1], MOST_CHARS - len(example.text), rng)
        before = rng.random() < 0.5
        text = f"{beside}\n{example.text}" if before else f"{example.text}\n{beside}"
        example = _shift(example, text, len(beside) + 1 if before else 0)
    if title and not example.text.startswith(title) and rng.random() < TITLED:
        example = _shift(example, f"{title}\n{example.text}", len(title) + 1)
    return example


def _shift(example: ReaderExample, text: str, by: int) -> ReaderExample:
    def move(span: Span | None) -> Span | None:
        return (span[0] + by, span[1] + by) if span and span[1] else span

    return ReaderExample(
        example.question, text, example.is_answered, move(example.sentence), move(example.answer), example.set_name,
        example.kind,
    )  # fmt: skip


def _cut(example: ReaderExample, rng: random.Random) -> ReaderExample:
    """Return the example with at most MOST_CHARS of its passage, the answering sentence among them."""
    text = example.text
    if len(text) <= MOST_CHARS:
        return example
    pieces = [*find_sentences(text)]
    kept = [at for at, piece in enumerate(pieces) if example.sentence and piece[1] > example.sentence[0]][:1]
    first = last = kept[0] if kept and example.is_answered else rng.randrange(len(pieces))
    while True:
        grown = [
            (low, high)
            for low, high in ((first - 1, last), (first, last + 1))
            if low >= 0 and high < len(pieces) and pieces[high][1] - pieces[low][0] <= MOST_CHARS
        ]
        if not grown:
            break
        first, last = rng.choice(grown)
    start = pieces[first][0]
    cut = text[start : max(pieces[last][1], start + 1)][: 2 * MOST_CHARS]
    if example.is_answered and example.sentence is None:  # the answer may stand anywhere: its beginning is read
        return _shift(example, text[:MOST_CHARS], 0)
    return _shift(example, cut, -start)


def _cut_text(text: str, room: int, rng: random.Random) -> str:
    ends = [end for _, end in find_sentences(text) if end <= room]
    return text[: rng.choice(ends)] if ends else text[:room].rpartition(" ")[0]
