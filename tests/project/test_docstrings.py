"""Docstrings begin with a verb or a noun of the field, and stand where name and types do not say all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("assistant", "apps", "benchmarks", "training")
# Whose functions say units, shapes, order, errors and the transaction that they need.
DESCRIBED = ("apps/engines", "apps/documents/retrieval", "apps/documents/library", "apps/safety/moderation")
_RIDDLE = re.compile(
    r"(What|Whether|Who|Whose|Which|Where|How|Likewise|The same|Of each|Those|These|This|That|It|Its|They|Their|He|She"
    r"|We|You|One|All that)\b"
)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions() -> Iterator[tuple[str, ast.Module | Definition]]:
    """Yield every module, class and function of the product, with its place."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | Definition):
                    line = 1 if isinstance(node, ast.Module) else node.lineno
                    yield f"{path.relative_to(ROOT)}:{line}", node


def paragraphs() -> Iterator[tuple[str, str]]:
    """Yield each paragraph of a docstring of the product that a reader meets first, with its place: the first one of
    modules, classes, functions and attributes, and the introduction below the heading of a group of settings."""
    for place, node in definitions():
        docstring = ast.get_docstring(node) or ""
        yield place, docstring
        if place.startswith("assistant/env.py") and isinstance(node, ast.ClassDef):
            yield place, docstring.partition("\n\n")[2]
        for field, below in pairwise(node.body) if isinstance(node, ast.ClassDef) else ():
            text = getattr(getattr(below, "value", None), "value", None)
            if isinstance(field, ast.Assign | ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(text, str):
                yield f"{place.rpartition(':')[0]}:{below.lineno}", text


def test_docstrings_do_not_begin_with_a_riddle() -> None:
    assert [place for place, paragraph in paragraphs() if _RIDDLE.match(paragraph)] == []


def test_modules_all_have_a_docstring() -> None:
    modules = [(place, node) for place, node in definitions() if isinstance(node, ast.Module) and node.body]
    assert [place for place, node in modules if not ast.get_docstring(node)] == []


def test_public_functions_of_engines_retrieval_and_verbs_are_described() -> None:
    missing = [
        place
        for folder in DESCRIBED
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, Definition) and not node.name.startswith("_") and not ast.get_docstring(node)
        for place in [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"]
    ]
    assert missing == []
