"""Documents of the trial: listed with their hashes in `trial_data/documents.jsonl`, fetched when the trial runs.

A document is in the folder of the data sets (`set`) or in a package of Debian (`package`, `version`, `path`). `apt-get
download` fetches packages into a cache. No document is part of this repository.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent / "trial_data"
CACHE = Path.home() / ".cache" / "openbook-trial"
DOWNLOAD_S = 120  # of one package; the largest has 6 MB


@dataclass(frozen=True, slots=True)
class TrialDocument:
    """Line of the list of documents. `set` is a path in the folder of the data sets, "" for a file of a package."""

    name: str
    sha256: str
    language: str
    kind: str
    licence: str
    set: str = ""
    package: str = ""
    version: str = ""
    path: str = ""


def read_documents(path: Path = HERE / "documents.jsonl") -> list[TrialDocument]:
    """Return the listed documents, in the order of the list."""
    return [TrialDocument(**json.loads(line)) for line in path.read_text().splitlines()]


def fetch_documents(listed: Sequence[TrialDocument], data: Path, cache: Path = CACHE) -> dict[str, bytes]:
    """Return the content of each document by its name. A document that is missing, or differs from the one on which the
    questions were written, is left out. A line on standard error says so."""
    contents = {}
    for document in listed:
        content = _read_set(document, data) if document.set else _read_package(document, data, cache)
        if content is None:
            continue
        if hashlib.sha256(content).hexdigest() != document.sha256:
            _tell(document, "is another version than the one that the questions were written on")
            continue
        contents[document.name] = content
    return contents


def _read_set(document: TrialDocument, data: Path) -> bytes | None:
    path = data / document.set
    if path.is_file():
        return path.read_bytes()
    _tell(document, f"is not in {data}")
    return None


def _read_package(document: TrialDocument, data: Path, cache: Path) -> bytes | None:
    """Return the file from its package, decompressed if needed. `data`/packages is searched first."""
    for folder in (data / "packages" / document.package, _unpacked(document, cache)):
        if folder is not None and (path := folder / document.path).is_file():
            content = path.read_bytes()
            return gzip.decompress(content) if path.suffix == ".gz" else content
    _tell(document, f"could not be fetched: apt-get download {document.package}={document.version}")
    return None


def _unpacked(document: TrialDocument, cache: Path) -> Path | None:
    """Return the folder of the unpacked package; None if it cannot be fetched."""
    folder = cache / f"{document.package}_{document.version.replace(':', '%3a')}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", f"{document.package}={document.version}"]
    try:
        subprocess.run(command, cwd=cache, check=True, capture_output=True, timeout=DOWNLOAD_S)
        package = next(cache.glob(f"{folder.name}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError, StopIteration):
        return None
    return folder


def _tell(document: TrialDocument, why: str) -> None:
    print(f"trial: {document.name} {why}; its questions are skipped.", file=sys.stderr)
