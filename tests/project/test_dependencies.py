"""Comparison of the imported packages with those that `pyproject.toml` declares and `constraints.txt` pins.

An import for type checkers only belongs to development. An import in a `try` that catches `ImportError` is optional.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from assistant.boot.packages import read_pins

ROOT = Path(settings.BASE_DIR)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN = {"apps", "assistant", "benchmarks", "tests", "training"}
DEVELOPMENT = ("dev",)  # extras that no installation has
UNPINNED = ("gpu",)  # extras with an environment of their own
# Modules that no package of an index provides, or that a person installs for one measurement, by the file with it.
BY_HAND = {
    "chromadb": "benchmarks/index/peer.py",
    "hnswlib": "benchmarks/index/peer.py",
    "lancedb": "benchmarks/index/peer.py",
    "pyarrow": "benchmarks/index/peer.py",
    "stub_llm": "benchmarks/lib/recording_llm.py",
}
Import = tuple[str, bool]  # top-level module, and whether only type checkers read it


def find_imports(source: str) -> Iterator[Import]:
    """Yield each third-party module that a source imports, also by `import_module`; optional imports are left out."""
    queue: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while queue:
        node, for_types = queue.pop()
        for module in _imported_names(node):
            top = module.partition(".")[0]
            if top not in sys.stdlib_module_names and top not in OWN:
                yield top, for_types
        skipped: list[ast.stmt] = node.body if isinstance(node, ast.Try) and _is_optional(node) else []
        typed: list[ast.stmt] = node.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) else []
        queue += [(child, for_types or child in typed) for child in ast.iter_child_nodes(node) if child not in skipped]


def _imported_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""] if not node.level else []
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return [str(node.args[0].value)] if called in {"import_module", "__import__"} else []
    return []


def _is_optional(node: ast.Try) -> bool:
    caught = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
    return "ImportError" in caught or "ModuleNotFoundError" in caught


@cache
def distributions() -> dict[str, set[str]]:
    """Return the canonical names of the installed packages that provide each top-level module."""
    found = metadata.packages_distributions()
    return {module: {canonicalize_name(name) for name in names} for module, names in found.items()}


def declared(extras: list[str]) -> set[str]:
    """Return the canonical names that the base dependencies and `extras` list."""
    lines = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        lines += PROJECT["project"]["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in lines} - {"openbook"}


def undeclared(folders: tuple[str, ...], *, shipped: bool) -> dict[str, set[str]]:
    """Return by module the files that import it although no allowed list of `pyproject.toml` names its package.

    `shipped`: only files of the wheel, and only packages of an installation; else also those of development.
    """
    extras = list(PROJECT["project"]["optional-dependencies"])
    development, installation = declared(extras), declared([name for name in extras if name not in DEVELOPMENT])
    excluded = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT)
            if shipped and any(name.match(pattern) for pattern in excluded):
                continue
            for module, for_types in find_imports(path.read_text()):
                allowed = installation if shipped and not for_types else development
                if not distributions().get(module, set()) & allowed and BY_HAND.get(module) != str(name):
                    found.setdefault(module, set()).add(str(name))
    return found


@pytest.mark.parametrize(
    ("source", "imports"),
    [
        ("import json, numpy.linalg", [("numpy", False)]),
        ("def read():\n    from lxml.html import clean", [("lxml", False)]),
        ("from . import sibling\nfrom apps.lib import os_compat", []),
        ("import_module('torch.nn')", [("torch", False)]),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import docx\nelse:\n    import re2",
            [("docx", True), ("re2", False)],
        ),
        ("try:\n    import uvloop\nexcept ImportError:\n    import asyncio", []),
        ("try:\n    import uvloop\nexcept OSError:\n    pass", [("uvloop", False)]),
    ],
)
def test_find_imports_tells_optional_imports_and_those_for_types_apart(source: str, imports: list[Import]) -> None:
    assert sorted(find_imports(source)) == imports


def test_imports_of_the_product_are_declared_for_installations() -> None:
    assert undeclared(("apps", "assistant"), shipped=True) == {}


def test_imports_of_tests_benchmarks_and_training_are_declared() -> None:
    assert undeclared(("apps", "assistant", "benchmarks", "tests", "training"), shipped=False) == {}


def test_declared_packages_are_pinned() -> None:
    extras = [name for name in PROJECT["project"]["optional-dependencies"] if name not in UNPINNED]
    assert declared(extras) - {canonicalize_name(name) for name in read_pins()} == set()


@pytest.mark.slow
def test_every_module_is_imported_and_a_pictogram_drawn_without_the_extra_pictures() -> None:
    """In a process where none of its packages can be found."""
    code = """
import importlib, os, pkgutil, sys
from importlib.machinery import PathFinder
absent = {"accelerate", "c2pa", "diffusers", "peft"}
class Finder(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return None if fullname.partition(".")[0] in absent else PathFinder.find_spec(fullname, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
import tests.support.environment
os.environ["DJANGO_SETTINGS_MODULE"] = "assistant.settings"
import django
django.setup()
import apps, assistant
for package in (apps, assistant):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("handbook.make"):
            importlib.import_module(module.name)
from apps.engines.embed.sentence_transformer import SentenceTransformerEmbedder
from apps.engines.image.diffusers import DiffusersPainter
from apps.engines.image.pictogram.engine import PictogramPainter
from apps.engines.image.protocol import DrawRequest
from apps.engines.types import EngineUnavailable
painter = PictogramPainter(model="built-in", embed=SentenceTransformerEmbedder())
model = painter.model()
drawn = painter.draw(DrawRequest("a lamp", 1, model.width, model.height, 2, model.guidance), lambda step: None)
try:
    DiffusersPainter("model").model()
except EngineUnavailable as error:
    print(drawn.picture.width == model.width, error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("True") and "package diffusers" in done.stdout
