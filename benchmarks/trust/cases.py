"""Questions of open sets, each with the true sentence that answers it and the paragraphs that a search would bring.

Read from the data sets' folder: XQuAD in English, German and Spanish, and the answerable half of ClapNQ. The true
sentence is the one with the gold answer, or the one that ClapNQ's annotators selected. A set that is absent is left
out.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.grounding.passage import Passage
from apps.lib.text.sentences import find_sentences
from benchmarks.lib.datasets import DatasetText, embed_cached

LANGUAGES = ("en", "de", "es")
NEIGHBOURS = 3  # further paragraphs per question
_WORDS = (6, 60)  # fewest and most words of a sentence that serves as an answer
_POINTS_BACK = re.compile(
    r"(?:He|She|It|They|This|These|Those|That|His|Her|Its|Their|Such|Er|Sie|Es|Dies\w*|Sein\w*|Ihr\w*|Él|Ella|Ellos|"
    r"Ellas|Est[eoa]s?|Su|Sus)\b"
)  # such a sentence has no subject of its own
_TOKENISED = (
    (re.compile(r" ([,.;:?!%)\]])"), r"\1"), (re.compile(r"([(\[$]) "), r"\1"), (re.compile(r"`` ?| ?''"), '"'),
    (re.compile(r" ('(?:s|re|ve|ll|d|m|t)?\b)"), r"\1"), (re.compile(r"(\d) - (\d)"), r"\1-\2"),
    (re.compile(r"(\w) - (\w)"), r"\1-\2"), (re.compile(r" n't\b"), "n't"), (re.compile(r" -- "), " – "),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrustCase:
    """A question, the sentence that answers it, and the paragraphs given with it: the first holds the sentence."""

    language: str
    question: str
    gold: tuple[str, ...]
    sentence: str
    paragraphs: tuple[DatasetText, ...]

    @property
    def own(self) -> DatasetText:
        """The paragraph that holds the sentence."""
        return self.paragraphs[0]


@dataclass(frozen=True, slots=True)
class _Found:
    """Question before its neighbours are known. `place` is the index of its paragraph."""

    language: str
    id: str
    question: str
    gold: tuple[str, ...]
    sentence: str
    place: int


def read_cases(data: Path) -> list[TrustCase]:
    """Return the cases of every set that is there, in the order of the files."""
    cases: list[TrustCase] = []
    paths = {language: data / "xquad" / f"xquad.{language}.json.gz" for language in LANGUAGES}
    sets = {language: _read_squad(language, path) for language, path in paths.items() if path.is_file()}
    for language, (texts, found) in sets.items():
        english = sets.get("en", sets[language])
        cases += _with_neighbours(texts, found, *english) if found else []
    path = data / "clapnq" / "clapnq_dev_answerable.jsonl"
    if path.is_file():
        texts, found = _read_clapnq(path)
        cases += _with_neighbours(texts, found, texts, found) if found else []
    return cases


def build_passages(paragraphs: Sequence[DatasetText], first: int = 0) -> dict[int, Passage]:
    """Return the paragraphs as passages under their numbers, from 1, turned so that paragraph `first` comes first."""
    turned = [*paragraphs[first:], *paragraphs[:first]]
    return {number: build_passage(text.title, text.text, number) for number, text in enumerate(turned, 1)}


def build_passage(title: str, text: str, number: int) -> Passage:
    """Return one page of text as a passage that is given whole."""
    return Passage(
        chunk_id=number, document_id=UUID(int=number), collection_id=UUID(int=0), title=title, kind="text",
        page_number=1, heading="", spans=((0, len(text)),), text=text, full_start=0, full_end=len(text),
        full_text=text, relevance=0.9, cosine=0.6, bm25=10.0,
    )  # fmt: skip


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph with single spaces."""
    return [" ".join(text[start:end].split()) for start, end in find_sentences(text)]


def stands_alone(sentence: str) -> bool:
    """Return whether a sentence can be given as an answer: whole, of usual length, about something that it names."""
    count = len(sentence.split())
    whole = sentence[:1].isupper() and sentence.endswith(".") and sentence.count('"') % 2 == 0
    return whole and _WORDS[0] <= count <= _WORDS[1] and not _POINTS_BACK.match(sentence)


def join_tokens(text: str) -> str:
    """Return tokenised text ("Canada 's head , in fact") as it would be printed."""
    for pattern, plain in _TOKENISED:
        text = pattern.sub(plain, text)
    return " ".join(text.split())


def _read_squad(language: str, path: Path) -> tuple[list[DatasetText], list[_Found]]:
    texts: list[DatasetText] = []
    found: list[_Found] = []
    for article in json.loads(gzip.decompress(path.read_bytes()))["data"]:
        for paragraph in article["paragraphs"]:
            title = str(article.get("title", "")).replace("_", " ")
            texts.append(DatasetText(f"{language}{len(texts)}", title, paragraph["context"]))
            found += _squad_questions(language, paragraph, len(texts) - 1)
    return texts, found


def _squad_questions(language: str, paragraph: Mapping[str, Any], place: int) -> Iterator[_Found]:
    text = paragraph["context"]
    borders = find_sentences(text)
    for item in paragraph["qas"]:
        gold = tuple(answer["text"] for answer in item["answers"])
        at, size = item["answers"][0]["answer_start"], len(gold[0])
        for start, end in borders:
            sentence = " ".join(text[start:end].split())
            if start <= at and at + size <= end and stands_alone(sentence):
                yield _Found(language, item["id"], item["question"], gold, sentence, place)


def _read_clapnq(path: Path) -> tuple[list[DatasetText], list[_Found]]:
    texts: list[DatasetText] = []
    found: list[_Found] = []
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        passage = row["passages"][0]
        sentences = [join_tokens(sentence) for sentence in passage["sentences"]]
        texts.append(DatasetText(f"c{len(texts)}", passage["title"], " ".join(sentences)))
        chosen = [join_tokens(sentence) for sentence in row["output"][0]["selected_sentences"]]
        first = next((sentence for sentence in chosen if stands_alone(sentence)), None)
        if first is not None and first in split_sentences(texts[-1].text):
            found.append(_Found("en", row["id"], row["input"], tuple(chosen), first, len(texts) - 1))
    return texts, found


def _with_neighbours(
    texts: Sequence[DatasetText], found: Sequence[_Found], known_texts: Sequence[DatasetText], known: Sequence[_Found]
) -> list[TrustCase]:
    """Return each question with its own paragraph and the others of the set that are nearest in meaning to it. `known`:
    the same set in a language that the embedder knows; a question that it lacks goes by another of its paragraph."""
    near = embed_cached([item.question for item in known]) @ embed_cached([text.text for text in known_texts]).T
    by_id = {item.id: row for item, row in zip(known, near, strict=True)}
    by_place = {item.place: row for item, row in zip(known, near, strict=True)}
    cases = []
    for item in found:
        row = by_id.get(item.id, by_place.get(item.place, near[0]))
        others = [place for place in (-row).argsort()[: NEIGHBOURS + 1] if place != item.place][:NEIGHBOURS]
        paragraphs = (texts[item.place], *(texts[int(place)] for place in others))
        cases.append(TrustCase(item.language, item.question, item.gold, item.sentence, paragraphs))
    return cases
