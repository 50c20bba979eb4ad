"""How fast documents become searchable, beside the bare encoder on the same chunks, in turns; and what real files give.

The pipeline is the product's own: upload, the worker's threads, the child processes that parse, rows and index on
disk, in a data directory of its own; not the sweep, which merges small segments later. `pipeline_over_encoder` is its
chunks per second divided by the encoder's, over reports made of real texts (xquad, cranfield); over the files of
`ingest_docs`, of which most hold a single chunk, it is `real_files_over_encoder`, without those whose text has to be
recognised in pictures. Where only these files are there, both are of them.
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
    parser.add_argument(
        "--sets", nargs="+", default=(), metavar="SET",
        help="folders under the data sets' folder: of texts (corpus.jsonl), of which files are made, or of real files "
        "(MANIFEST.jsonl); otherwise cranfield, xquad and ingest_docs",
    )  # fmt: skip
    parser.add_argument("--chunks", type=int, default=1200, metavar="N", help="about so many in each round (1200)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of pipeline and encoder each (3)")
    parser.add_argument("--quick", action="store_true", help="recognise no text in pictures, which takes seconds each")


def run(options: dict[str, Any]) -> dict[str, float]:
    """`pipeline_over_encoder` (median of the rounds, goal 0.85 and more), `encoder_over_st_fp32`,
    `reingest_over_first` (offered to the same collection again), `reuse_over_first` (put into another of the same
    person), `worker_peak_mb`, and the shares `files_read`, `files_refused`, `files_failed`."""
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
