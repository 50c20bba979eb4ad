"""Sentences that are written down in English, by a worker or for a log, and translated when they are shown.

They stand in these modules as plain constants: `said` in templates and `str()` of a refusal look them up.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from apps.documents.parsers import FORMATS

MODULES = (
    "apps/conversations/answering.py", "apps/conversations/asks.py", "apps/conversations/attached/*.py",
    "apps/conversations/consumers.py", "apps/conversations/door.py", "apps/conversations/foreign/*.py",
    "apps/conversations/importing.py", "apps/conversations/opening.py",
    "apps/conversations/picture_asks.py", "apps/conversations/placing.py", "apps/conversations/queue.py",
    "apps/conversations/reviewing.py", "apps/conversations/scoping.py", "apps/conversations/sweeper.py",
    "apps/conversations/temporary*.py", "apps/conversations/tools/*.py", "apps/conversations/tools/mcp/*.py",
    "apps/conversations/trace.py",
    "apps/conversations/turns.py", "apps/conversations/writing.py", "apps/documents/folder_sync.py",
    "apps/documents/ingest.py", "apps/documents/job.py", "apps/documents/parsers/*.py",
    "apps/documents/reviewing.py", "apps/documents/sandbox.py", "apps/documents/scans.py",
    "apps/documents/sniff.py", "apps/engines/caption/[bls]*.py", "apps/engines/chat/errors.py",
    "apps/engines/image/*.py", "apps/engines/image/pictogram/painter.py", "apps/engines/turnlog/*.py",
    "apps/evaluation/golden.py", "apps/images/asking.py", "apps/images/described.py",
    "apps/images/generate.py", "apps/images/queue.py", "apps/images/reviewing.py", "apps/images/sources.py",
    "apps/lib/filled.py", "apps/privacy/erasing.py",
    "apps/privacy/wishes.py", "apps/safety/addresses.py", "apps/safety/check.py", "apps/safety/classified.py",
    "apps/safety/clauses.py", "apps/safety/fetching.py", "apps/safety/gate.py", "apps/safety/levels.py",
    "apps/safety/policies.py",
    "apps/safety/rules.py", "apps/safety/withheld.py",
)  # fmt: skip
LABELS = {
    "apps/conversations/attached/reviewing.py",
    "apps/conversations/reviewing.py",
    "apps/conversations/tools/calculator.py",
    "apps/conversations/tools/dates.py",
    "apps/conversations/tools/drawing.py",
    "apps/conversations/tools/reading.py",
    "apps/conversations/tools/searching.py",
    "apps/conversations/trace.py",
    "apps/documents/reviewing.py",
    "apps/images/reviewing.py",
    "apps/safety/clauses.py",
}  # here titles without a full stop too
_SENTENCE = re.compile(r"[A-Z].* .*[.!?]", re.DOTALL)
_LABEL = re.compile(r"[A-Z][a-z-]+( [^_]*)?")


def sentences(root: Path) -> Iterator[tuple[str, Path]]:
    for pattern in MODULES:
        found = sorted(root.glob(pattern))
        assert found, f"{pattern} of tests/words/stored.py names no file"
        for path in found:
            shape = _LABEL if str(path.relative_to(root)) in LABELS else _SENTENCE
            for text in constants(ast.parse(path.read_text())):
                if shape.fullmatch(text) or _SENTENCE.fullmatch(text):
                    yield text, path
    for item in FORMATS.values():
        yield item.label, root / "apps/documents/parsers/__init__.py"


def constants(tree: ast.Module) -> Iterator[str]:
    """Strings that are neither documentation nor part of a longer one nor marked already."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.JoinedStr):
            left_out |= {id(inner) for inner in ast.walk(node) if not isinstance(node, ast.Expr) or inner is node.value}
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("gettext", "ngettext", "log.", "re.")):
            left_out |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value
