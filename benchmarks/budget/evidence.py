"""Data sets whose evidence is marked: texts, questions, and where in a text the answer to each stands."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lib.datasets import DatasetText

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class EvidenceQuestion:
    """Question with the place of its evidence: spans [start, end) in the text of that id."""

    question: str
    text_id: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class EvidenceSet:
    """Texts with questions about them."""

    texts: tuple[DatasetText, ...]
    questions: tuple[EvidenceQuestion, ...]


def read_evidence_set(data: Path, name: str, max_texts: int, max_questions: int) -> EvidenceSet:
    """Return the first `max_texts` texts of a set and at most `max_questions` of their questions, evenly drawn. Raise
    FileNotFoundError."""
    texts: list[DatasetText] = []
    questions: list[EvidenceQuestion] = []
    for text, asked in READERS[name](data / name):
        texts.append(text)
        questions += [item for item in asked if item.spans]
        if len(texts) == max_texts:
            break
    step = max(1.0, len(questions) / max_questions)
    drawn = [questions[int(number * step)] for number in range(min(max_questions, len(questions)))]
    return EvidenceSet(tuple(texts), tuple(drawn))


TextWithQuestions = tuple[DatasetText, list[EvidenceQuestion]]


def _read_clapnq(folder: Path) -> Iterator[TextWithQuestions]:
    """Yield each passage; evidence: the sentences that annotators selected."""
    for row in _read_lines(folder / "clapnq_dev_answerable.jsonl"):
        passage, selected = row["passages"][0], row["output"][0]["selected_sentences"]
        text = DatasetText(row["id"], passage["title"], passage["text"])
        yield text, [EvidenceQuestion(row["input"], text.id, _locate(text.text, selected))]


def _read_chroma(folder: Path) -> Iterator[TextWithQuestions]:
    """Yield each corpus; evidence: the marked excerpts."""
    with (folder / "questions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for path in sorted((folder / "corpora").glob("*.md")):
        text = DatasetText(path.stem, path.stem.replace("_", " "), path.read_text(encoding="utf-8"))
        asked = [row for row in rows if row["corpus_id"] == path.stem]
        yield (
            text,
            [
                EvidenceQuestion(
                    row["question"], text.id, _locate(text.text, [r["content"] for r in json.loads(row["references"])])
                )
                for row in asked
            ],
        )


def _read_covidqa(folder: Path) -> Iterator[TextWithQuestions]:
    yield from _read_squad(json.loads((folder / "200421_covidQA.json").read_text(encoding="utf-8")))


def _read_xquad(folder: Path) -> Iterator[TextWithQuestions]:
    yield from _read_squad(json.loads(gzip.decompress((folder / "xquad.en.json.gz").read_bytes())))


def _read_squad(content: Any) -> Iterator[TextWithQuestions]:
    """Yield each article, its paragraphs joined; evidence: the first marked answer."""
    for number, article in enumerate(content["data"]):
        body, title = "", str(article.get("title", "")).replace("_", " ")
        questions: list[EvidenceQuestion] = []
        for paragraph in article["paragraphs"]:
            for item in paragraph["qas"]:
                if item.get("answers"):
                    start = len(body) + item["answers"][0]["answer_start"]
                    spans = ((start, start + len(item["answers"][0]["text"])),)
                    questions.append(EvidenceQuestion(item["question"], f"a{number}", spans))
            body += paragraph["context"] + "\n\n"
        yield DatasetText(f"a{number}", title, body), questions


def _read_wice(folder: Path) -> Iterator[TextWithQuestions]:
    """Yield each article; the claim is the question, evidence: the first set of supporting sentences."""
    for number, row in enumerate(_read_lines(folder / "claim_dev.jsonl")):
        body, spans = "", list[tuple[int, int]]()
        wanted = set(row["supporting_sentences"][0]) if row["supporting_sentences"] else set()
        for index, sentence in enumerate(row["evidence"]):
            if index in wanted:
                spans.append((len(body), len(body) + len(sentence)))
            body += sentence + "\n"
        yield DatasetText(f"w{number}", "", body), [EvidenceQuestion(row["claim"], f"w{number}", tuple(spans))]


def _locate(text: str, excerpts: list[str]) -> Spans:
    """Return where the excerpts stand in the text; those that are not in it are left out."""
    places = [(text.find(excerpt), len(excerpt)) for excerpt in excerpts]
    return tuple((start, start + length) for start, length in places if start >= 0)


def _read_lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


READERS: dict[str, Callable[[Path], Iterator[TextWithQuestions]]] = {
    "clapnq": _read_clapnq,
    "chroma_chunking": _read_chroma,
    "covidqa": _read_covidqa,
    "xquad": _read_xquad,
    "wice": _read_wice,
}
