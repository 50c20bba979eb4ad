"""Speed of ingestion beside the bare encoder on the same chunks, in turns; and results on real files.

The pipeline is the product's own, in a data directory of its own: upload, the worker's threads, the child processes
that parse, rows and index on disk. Only the sweep, which merges small segments later, is left out.
`pipeline_over_encoder` is its chunks per second over the encoder's, for reports made of real texts (xquad, cranfield).
`real_files_over_encoder` is the same for `ingest_docs`, most of whose files hold a single chunk, without those that
need OCR. If only these files are present, both numbers are of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from typing import Any, cast

from django.conf import settings
from django.core.management.base import CommandError


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--sets", nargs="+", default=(), metavar="SET",
        help="folders under the data sets' folder: of texts (corpus.jsonl), of which files are made, or of real files "
        "(MANIFEST.jsonl); otherwise cranfield, xquad and ingest_docs",
    )  # fmt: skip
    parser.add_argument("--chunks", type=int, default=1200, metavar="N", help="about so many in each round (1200)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of pipeline and encoder each (3)")
    parser.add_argument("--quick", action="store_true", help="recognise no text in pictures, which takes seconds each")


def run(options: dict[str, Any]) -> dict[str, float]:
    """Return `pipeline_over_encoder` (median of the rounds, goal at least 0.85), `encoder_over_st_fp32`,
    `worker_peak_mb` and the shares `files_read`, `files_refused`, `files_failed`. `reingest_over_first` is for the same
    files offered to the same collection again, `reuse_over_first` for another collection of the same user."""
    data, sets = options["data"], options["sets"]
    for name in sets:
        if not any((data / name / file).is_file() for file in ("corpus.jsonl", "MANIFEST.jsonl")):
            raise CommandError(f"There is no set {name} in {data}: a folder with a corpus.jsonl or a MANIFEST.jsonl.")
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.ingest.worker", str(data), str(options["chunks"]),
             str(options["rounds"]), "quick" if options["quick"] else "whole", *sets],
            cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""},
        )  # fmt: skip
        if done.returncode:
            raise CommandError("The measurement failed; what it said stands above.")
        return cast(dict[str, float], json.loads(done.stdout.splitlines()[-1]))
