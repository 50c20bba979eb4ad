"""Recipe of the pairs by which a site calibrates its check of sentences.

`python -m benchmarks.trust.calibration_pairs DATA` writes `apps/grounding/calibration/pairs.jsonl`, the same from equal
data sets: true, edited and perturbed sentences of XQuAD, judged sentences of models (claims/open_train), German
simplified by native speakers, and the pairs of `own_pairs.toml`. `apps/grounding/calibration/NOTICE.txt` names their
licences.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import django

FOLDER = Path(__file__).parents[2] / "apps" / "grounding" / "calibration"
_PER_KIND = 9  # perturbed sentences of a kind and language
_PER_TRUE_KIND = 14
_JUDGED = ("attr_hagrid", "attr_gensearch", "attr_attributedqa", "factcheckbench")  # sets of models' sentences
_PER_JUDGED = {"paraphrase": 30, "inference": 20, "joins": 14, "near quote": 10}  # supported ones, by shape
_FALSE_JUDGED, _GERMAN = 48, 20
_MOST_CHARACTERS = 2_500  # of all passages of a pair
_FALSE_KINDS = (
    "number", "name", "negation", "antonym", "modality", "quantifier", "exchanged_names", "exchanged_numbers", "order",
    "hedge", "unit", "currency", "other_question",
)  # fmt: skip
_TRUE_KINDS = {
    "verbatim": "near_quote",
    "light_edit": "near_quote",
    "synonym": "paraphrase",
    "two_places": "two_places",
}
_SHAPES = {"near quote": "near_quote", "joins": "two_places"}

_BROKEN = re.compile(r"\bno [A-ZÁÉÍÓÚ]")  # a Spanish negation put before the first word

Row = dict[str, Any]


def build_rows(data: Path) -> Iterator[Row]:
    """Yield the pairs in the order of the file."""
    yield from _read_own()
    yield from _perturb(data)
    yield from _draw_judged(data / "claims" / "open_train.jsonl.gz")


def _row(
    origin: str, language: str, kind: str, question: str, passages: Iterable[str], sentence: str, true: bool
) -> Row:
    return {
        "set": origin, "language": language, "kind": kind, "question": question, "passages": list(passages),
        "sentence": sentence, "true": true,
    }  # fmt: skip


def _read_own() -> Iterator[Row]:
    rows = tomllib.loads((FOLDER / "own_pairs.toml").read_text(encoding="utf-8"))["text"]
    for text in rows:
        for kind, sentences in text.items():
            if isinstance(sentences, list):
                true = kind in ("paraphrase", "two_places", "inference")
                for sentence in sentences:
                    yield _row("own", text["language"], kind, text["question"], [text["text"]], sentence, true=true)


def _perturb(data: Path) -> Iterator[Row]:
    from benchmarks.trust.cases import LANGUAGES, read_cases
    from benchmarks.trust.claims import build_claims

    with tempfile.TemporaryDirectory() as folder:  # XQuAD alone
        (Path(folder) / "xquad").symlink_to((data / "xquad").resolve())
        cases = read_cases(Path(folder))
    for language in LANGUAGES:
        own = [case for case in cases if case.language == language]
        for kind in (*_TRUE_KINDS, *_FALSE_KINDS):
            true = kind in _TRUE_KINDS
            name = f"negation_{language}" if kind == "negation" else kind
            for claim in build_claims(name, own, _PER_TRUE_KIND if true else _PER_KIND, seed=33):
                held = [
                    item.full_text for item in claim.passages.values() if claim.base in " ".join(item.full_text.split())
                ]
                if _BROKEN.search(claim.text):
                    continue
                texts = held[:1] or [item.full_text for item in claim.passages.values()][:1]
                yield _row("xquad", language, _TRUE_KINDS.get(kind, kind), claim.question, texts, claim.text, true=true)


def _draw_judged(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if sum(map(len, row["passages"])) <= _MOST_CHARACTERS]
    Random(33).shuffle(rows)  # noqa: S311
    left = {**{(shape, True): count for shape, count in _PER_JUDGED.items()}, ("", False): _FALSE_JUDGED}
    for row in rows:
        true = row["label"] == "supported"
        key = (row["shape"], True) if true else ("", False)
        if row["set"] in _JUDGED and (true or row["label"] == "unsupported") and left.get(key, 0):
            left[key] -= 1
            kind = _SHAPES.get(row["shape"], row["shape"]) if true else "judged_unsupported"
            yield _row(row["set"], row["language"], kind, row["question"], row["passages"], row["sentence"], true=true)
    german = [row for row in rows if row["set"] == "textcomplexity_de" and row["shape"] == "paraphrase"]
    for row in german[:_GERMAN]:
        yield _row(row["set"], "de", "paraphrase", "", row["passages"], row["sentence"], true=True)


def main(data: Path) -> None:
    """Write the file, and print its size by language."""
    with (FOLDER / "pairs.jsonl").open("w", encoding="utf-8") as file:
        for row in build_rows(data):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    django.setup()
    main(Path(sys.argv[1]))
