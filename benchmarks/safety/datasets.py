"""Open data sets of harmful, hostile and harmless texts in one form, with known labels.

Reads all files of a known format in a set's folder, so that other splits of the sets work as well.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIPIA_PLACES = ("end", "start", "middle")
_MODERATION = {
    "S": "sexual", "H": "hate", "V": "violence", "HR": "harassment", "SH": "self_harm", "S3": "child_exploitation",
    "H2": "hate", "V2": "violence",
}  # fmt: skip
_TEXT_FIELDS = ("prompt", "text", "jailbreak", "behavior", "goal", "question", "instruction", "tweet", "test_case")
_HARMLESS_FILES = ("notinject", "wildguard", "benign")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """Text of a data set. `labels` maps labels to yes or no; missing labels are unknown."""

    source: str
    kind: str  # within the set: a file, or the name of an attack
    text: str
    labels: dict[str, bool] = field(default_factory=dict)
    passage: bool = False  # True for text of a document, False for a user's message
    number: int = 0  # of the e-mail and of the attack inserted into it
    part: str = ""  # the inserted part of the text


def read_davidson(folder: Path) -> Iterator[LabelledText]:
    """Yield tweets: hate, offensive language (not known to be harassment), neither."""
    for row in _read_rows(folder):
        kind = int(row["class"])
        labels = {"hate": kind == 0}
        if kind != 1:
            labels |= {"harassment": kind == 0, "harm": kind == 0}
        if kind == 2:
            labels |= dict.fromkeys(("sexual", "child_exploitation", "violence", "self_harm"), False)
        yield LabelledText("davidson", ("hate", "offensive", "neither")[kind], row["tweet"], labels)


def read_openai_moderation(folder: Path) -> Iterator[LabelledText]:
    """Yield texts with some of eight categories known; "harm" is any of them."""
    for row in _read_rows(folder):
        labels: dict[str, bool] = {}
        for key, label in _MODERATION.items():
            if key in row:
                labels[label] = labels.get(label, False) or bool(row[key])
        labels["harm"] = any(labels.values())
        yield LabelledText("openai_moderation", "", row["prompt"], labels)


def read_hatecheck(folder: Path) -> Iterator[LabelledText]:
    """Yield the test cases of HateCheck."""
    for row in _read_rows(folder):
        yield LabelledText(
            "hatecheck", row["functionality"], row["test_case"], {"hate": row["label_gold"] == "hateful"}
        )


def read_harmful_behaviors(folder: Path) -> Iterator[LabelledText]:
    """Yield requests that an assistant should refuse; those about copyright are left out."""
    for kind, row in _read_records(folder):
        text = _find_text(row)
        if text and row.get("SemanticCategory", row.get("semantic_category")) != "copyright":
            yield LabelledText("harmful_behaviors", kind, text, {"crime": True})


def read_do_not_answer(folder: Path) -> Iterator[LabelledText]:
    """Yield requests that an assistant should refuse."""
    for row in _read_rows(folder):
        yield LabelledText("do_not_answer", row.get("risk_area", ""), row["question"], {"crime": True})


def read_xstest(folder: Path) -> Iterator[LabelledText]:
    """Yield safe and unsafe requests that look alike."""
    for row in _read_rows(folder):
        yield LabelledText("xstest", row.get("type", ""), row["prompt"], {"crime": row["label"] == "unsafe"})


def read_injections(folder: Path) -> Iterator[LabelledText]:
    """Yield prompt attacks and texts that resemble them, of any set that has such."""
    for kind, row in _read_records(folder):
        text = _find_text(row)
        if not text:
            continue
        if _has_only_attacks(folder):
            kind = str(row.get("method") or row.get("group") or row.get("category") or kind)
        yield LabelledText(folder.name, kind, text, {"prompt_attack": _is_malicious(folder, kind, row)})


def read_bipia(folder: Path) -> Iterator[LabelledText]:
    """Yield e-mails unchanged, and with an instruction inserted at the end, the start or the middle."""
    mails = [row["context"] for kind, row in _read_records(folder) if "context" in row and "email" in kind]
    for number, mail in enumerate(mails):
        yield LabelledText("bipia", "untouched", mail, {"prompt_attack": False}, True, number)
    number = 0
    for file in sorted(folder.glob("*_attack_*.json")):
        for texts in json.loads(file.read_bytes()).values():
            for text in texts:
                mail, place = mails[number % len(mails)], BIPIA_PLACES[number % len(BIPIA_PLACES)]
                whole = insert_attack(mail, text, place)
                yield LabelledText("bipia", file.stem, whole, {"prompt_attack": True}, True, number, text)
                number += 1


def insert_attack(mail: str, text: str, place: str) -> str:
    """Return the e-mail with `text` inserted at `place`, one of BIPIA_PLACES."""
    middle = mail.find(" ", len(mail) // 2) + 1
    cut = {"end": len(mail), "start": 0, "middle": middle}[place]
    return f"{mail[:cut]}\n{text}\n{mail[cut:]}".strip()


READERS = {
    "davidson": read_davidson, "openai_moderation": read_openai_moderation, "hatecheck": read_hatecheck,
    "harmful_behaviors": read_harmful_behaviors, "do_not_answer": read_do_not_answer, "xstest": read_xstest,
    "jailbreaks": read_injections, "giskard_injections": read_injections, "piguard": read_injections,
    "bipia": read_bipia,
}  # fmt: skip


def read_labelled_set(data: Path, name: str) -> list[LabelledText]:
    """Return every text of a set once; [] if the folder is missing."""
    folder = data / name
    found = {item.text: item for item in READERS[name](folder)} if folder.is_dir() else {}
    return list(found.values())


def read_harmless(data: Path, names: Sequence[str], each: int, kind: str = "") -> Iterator[str]:
    """Yield questions and passages of retrieval sets, at most `each` of each file, evenly spaced.

    `kind`: "questions" or "passages" only; "" both.
    """
    files = {"queries.jsonl": "questions", "corpus.jsonl": "passages", "eval_question_similarity_en.csv": "questions"}
    for path in (data / name / file for name in names for file in files):
        if path.is_file() and kind in ("", files[path.name]):
            rows = _parse_records(path.suffix, path.read_text())
            texts = [text for row in rows if (text := str(row.get("text") or next(iter(row.values())))).strip()]
            texts = list(dict.fromkeys(texts))
            yield from texts[:: max(1, len(texts) // each)][:each]


def _has_only_attacks(folder: Path) -> bool:
    return folder.name in ("jailbreaks", "giskard_injections")


def _is_malicious(folder: Path, kind: str, row: dict[str, Any]) -> bool:
    if "label" in row:
        return str(row["label"]).lower() in ("1", "true", "yes", "malicious", "injection", "unsafe")
    return not any(name in kind.lower() for name in _HARMLESS_FILES) and folder.name != "piguard"


def _find_text(row: dict[str, Any]) -> str:
    by_name = {str(key).lower(): value for key, value in row.items()}
    return next((str(by_name[name]) for name in _TEXT_FIELDS if by_name.get(name)), "")


def _read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    for _, row in _read_records(folder):
        yield row


def _read_records(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each record with the stem of its file: CSV, JSON lines or JSON lists, gzipped or not."""
    for path in sorted(folder.iterdir()):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        name = Path(path.stem) if path.suffix == ".gz" else path
        for row in _parse_records(name.suffix, raw.decode("utf-8", "replace")):
            yield name.stem, row


def _parse_records(suffix: str, text: str) -> Iterator[dict[str, Any]]:
    if suffix == ".csv":
        csv.field_size_limit(10**7)
        yield from csv.DictReader(io.StringIO(text))
    elif suffix == ".jsonl":
        yield from (json.loads(line) for line in text.splitlines() if line.strip())
    elif suffix == ".json":
        found = json.loads(text)
        items = found.get("jailbreaks", []) if isinstance(found, dict) else found
        yield from (item for item in items if isinstance(item, dict))
