"""Share of real files that is read, and how near their text comes to a reference.

Every file of `ingest_docs` in its manifest is read like by the worker: format detection, parsing in a child process,
and OCR of pictures. Counted are files that gave text, those refused with a reason, and failures without one.

If `docling_groundtruth` is beside `docling_src`, the text of each source is compared with its reference, without
Markdown markup. The similarity is 1 less the edit distance over the longer length, per file extension and over all. In
any case, sources whose format states its text exactly are compared with a second implementation
(`independent_text.py`). The comparison shows what a parser loses or adds, but is no human judgement.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.documents.ingestion.ocr import ADDRESSES_BYTES, MIN_TEXT_RATIO, SECONDS_A_PAGE
from apps.reading.parsing.detection import refuse_by_extension
from apps.reading.parsing.protocol import MAX_CHARACTERS, ParseError
from apps.reading.sandbox import runner
from apps.reading.sandbox.runner import detect_format
from benchmarks.extraction.independent_text import read_independently
from benchmarks.extraction.reference_text import compute_distance, normalise_text

SET, SOURCES, REFERENCES = "ingest_docs", "docling_src", "docling_groundtruth"
MISSING = """There are no references in {place}: nothing is compared with one.
They are the files of tests/data/groundtruth in docling's repository, named after their sources (leave.html.md). Lay
them into {folder}/docling_groundtruth, beside docling_src, and name DIR with --data DIR."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--quick", action="store_true", help="recognise no text in pictures, which takes seconds each")
    parser.add_argument("--verbose", action="store_true", help="name each refused file with its reason")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return `similarity.EXTENSION`, `independent.EXTENSION`, `independent_words.EXTENSION`, and `files_read`,
    `files_refused`, `files_failed`, the latter for normal and for hostile files."""
    folder = options["data"] / SET
    numbers = measure_similarity(folder) | compare_with_independent(folder)
    for kind, counts in survey_files(folder, not options["quick"], options["verbose"]).items():
        name = "files" if kind == "normal" else f"{kind}_files"
        numbers |= {f"{name}_{end}": float(counts[end]) for end in ("read", "refused", "failed")}
    return numbers


def measure_similarity(folder: Path) -> dict[str, float]:
    """Return the similarity to the references, by extension and over all; {} without references."""
    if not (folder / REFERENCES).is_dir():
        print(MISSING.format(place=(folder / REFERENCES).resolve(), folder=f"DIR/{SET}"), file=sys.stderr)
        return {}
    similarity_by_source: dict[Path, float] = {}
    for reference in sorted((folder / REFERENCES).rglob("*")):
        if (source := _source(folder / SOURCES, reference.name)) is not None:
            reference_text = normalise_text(reference.read_text(errors="replace"), markdown=True)
            similarity_by_source[source] = 1 - compute_distance(_parse(source), reference_text)
            print(f"{source.name}, against its reference: {similarity_by_source[source]:.3f}", file=sys.stderr)
    return _means("similarity", similarity_by_source)


def compare_with_independent(folder: Path) -> dict[str, float]:
    """Return the similarity to the second implementation, and the share of its words that the parser has, in any order.
    Tables and slides can be laid out in several ways."""
    similarity_by_source: dict[Path, float] = {}
    recall_by_source: dict[Path, float] = {}
    for source in sorted(path for path in (folder / SOURCES).glob("*") if path.is_file()):
        if (reference_text := read_independently(source)) is None:
            continue
        text = _parse(source)
        similarity_by_source[source] = 1 - compute_distance(text, normalise_text(reference_text, markdown=True))
        recall_by_source[source] = compute_word_recall(text, normalise_text(reference_text))
        result = f"{similarity_by_source[source]:.3f}, {recall_by_source[source]:.3f} of its words"
        print(f"{source.name}, against an independent reading: {result}", file=sys.stderr)
    return _means("independent", similarity_by_source) | _means("independent_words", recall_by_source)


def compute_word_recall(text: str, reference: str) -> float:
    """Return the share of the words of `reference` that `text` has, counted with repetitions."""
    reference_words = Counter(re.findall(r"\w+", reference))
    return (
        (reference_words & Counter(re.findall(r"\w+", text))).total() / reference_words.total()
        if reference_words
        else 1.0
    )


def _parse(source: Path) -> str:
    """Return the text without markup; "" for an unreadable file, with its error printed."""
    try:
        return normalise_text("\n".join(read_pages(source)))
    except (ParseError, runner.ParserCrashed) as error:
        print(f"{source.name}: {error}", file=sys.stderr)
        return ""


def _means(name: str, values: Mapping[Path, float]) -> dict[str, float]:
    """Return `NAME.EXTENSION`, `NAME` over all files, and their number as `NAME_files`; {} for no files."""
    found: dict[str, list[float]] = defaultdict(list)
    for source, value in values.items():
        found[source.suffix[1:].lower()].append(value)
    means = {f"{name}.{ending}": statistics.fmean(values) for ending, values in sorted(found.items())}
    every = [value for values in found.values() for value in values]
    return {**means, name: statistics.fmean(every), f"{name}_files": float(len(every))} if every else {}


def survey_files(folder: Path, recognise: bool = True, verbose: bool = False) -> dict[str, Counter[str]]:
    """Return by kind of file ("normal", "hostile") the number read, refused with a reason, and failed without one."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in (folder / "MANIFEST.jsonl").read_text().splitlines():
        row = json.loads(line)
        if not (folder / row["path"]).is_file():
            continue
        end, why = _read_outcome(folder / row["path"], recognise)
        counts[row["kind"]][end] += 1
        if end == "failed" or (verbose and end == "refused"):
            print(f"{row['kind']} {row['path']}: {why}", file=sys.stderr)
    return counts


def read_pages(path: Path, recognise: bool = True) -> Iterator[str]:
    """Yield the text of each page as the worker would store it. Raise ParseError or ParserCrashed."""
    refuse_by_extension(path.name)
    kind = detect_format(path, path.name)
    options = {"kind": kind, "pages": settings.MAX_PAGES, "characters": MAX_CHARACTERS, "name": path.name}
    texts: dict[int, str] = {}
    scans: list[int] = []
    limits = {"seconds": settings.PARSE_SECONDS, "memory_bytes": settings.PARSE_MEMORY_BYTES}
    for answer in runner.run_task("parse", path, options, **limits):
        if "page" in answer:
            texts[answer["page"]] = answer["text"]
            scans += [answer["page"]] if answer["scan"] else []
    wanted = scans[: settings.OCR_PAGES] if recognise else []
    if wanted:
        limits = {"seconds": SECONDS_A_PAGE * len(wanted), "memory_bytes": limits["memory_bytes"] + ADDRESSES_BYTES}
        for answer in runner.run_task("recognise", path, {"kind": kind, "numbers": wanted}, **limits):
            if "page" in answer and len(answer["text"]) > MIN_TEXT_RATIO * len(texts[answer["page"]].strip()):
                texts[answer["page"]] = answer["text"]
    if not any(text.strip() for text in texts.values()) and not (kind == "image" and recognise):
        raise ParseError("No text was found in this file.")
    yield from texts.values()


def _read_outcome(path: Path, recognise: bool) -> tuple[str, str]:
    try:
        list(read_pages(path, recognise))
    except ParseError as error:
        return ("refused" if str(error).endswith(".") else "failed"), str(error)
    except Exception as error:  # noqa: BLE001 - every error without a reason is counted
        return "failed", repr(error)
    return "read", ""


def _source(folder: Path, reference: str) -> Path | None:
    """Return the source of a reference: its name without the last extension, or its stem; None if there is none."""
    name = reference.rpartition(".")[0]
    if (folder / name).is_file():
        return folder / name
    stems = [path for path in folder.glob("*") if path.stem == name]
    return stems[0] if len(stems) == 1 and reference.endswith(".md") else None
