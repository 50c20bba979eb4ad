"""Questions of the trial and the judgements of their readers, both in `trial_data`.

One half of the questions, `tune`, may be used to improve the product. The other half, `report`, gives the results: it
is never used for tuning.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent / "trial_data"
HALVES: tuple[Half, ...] = ("tune", "report")
Half = Literal["tune", "report"]
Verdict = Literal["right", "wrong", "beside"]


@dataclass(frozen=True, slots=True)
class Question:
    """Question of the trial.

    `answers` are regular expressions, any of which matches a text that holds the whole answer. `absent`: the documents
    do not answer it. `follows` is the previous question of the same conversation, `root` the first one. `kind` "talk":
    small talk and sums, which need no document.
    """

    id: str
    language: str
    kind: str
    question: str
    document: str = ""
    answers: tuple[str, ...] = ()
    absent: bool = False
    follows: str = ""
    root: str = field(default="")

    @property
    def half(self) -> Half:
        """`tune` or `report`, by a hash that does not depend on the order of the file. A conversation stays in one
        half."""
        return HALVES[hashlib.sha256(self.root.encode()).digest()[0] % 2]

    @property
    def talk(self) -> bool:
        """True for small talk and sums."""
        return self.kind == "talk"

    @property
    def answerable(self) -> bool:
        """True if the documents hold its answer."""
        return not self.absent and not self.talk

    def holds(self, text: str) -> bool:
        """Return whether `text` holds the whole answer."""
        return any(re.search(answer, fold_spaces(text), re.IGNORECASE) for answer in self.answers)


def read_questions(path: Path = HERE / "questions.jsonl") -> list[Question]:
    """Return the questions in the order of the file. A follow-up stands after the question that it follows."""
    known: dict[str, Question] = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        row["answers"] = tuple(row.get("answers", ()))
        root = known[row["follows"]].root if row.get("follows") else row["id"]
        known[row["id"]] = Question(**row, root=root)
    return list(known.values())


def select_questions(questions: Iterable[Question], documents: Iterable[str]) -> list[Question]:
    """Return the questions that can be asked if only these documents were read. Questions about another document are
    left out, and so are their follow-ups."""
    there, kept, roots = {"", *documents}, list[Question](), set[str]()
    for question in questions:
        if question.document in there and (not question.follows or question.follows in roots):
            kept.append(question)
            roots.add(question.id)
    return kept


def read_judgements(path: Path = HERE / "judgements.jsonl") -> dict[tuple[str, str], Verdict]:
    """Return the verdicts of readers by question and hash of the sentence; {} if none was written yet."""
    if not path.is_file():
        return {}
    rows: Sequence[dict[str, str]] = [json.loads(line) for line in path.read_text().splitlines()]
    return {(row["id"], row["sentence"]): row["verdict"] for row in rows}  # type: ignore[misc]


def hash_sentence(text: str) -> str:
    """Return the key of a sentence in the file of judgements: its words, whatever the case and the spaces."""
    return hashlib.sha256(fold_spaces(text).casefold().encode()).hexdigest()[:16]


def fold_spaces(text: str) -> str:
    """Return the text on one line, its runs of spaces as one, soft hyphens and typographic quotes made plain."""
    plain = text.replace("\u00ad", "").translate(_PLAIN)
    return " ".join(plain.split())


_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
