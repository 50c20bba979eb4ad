"""The programs that tests run in processes of their own stand in strings, where no type checker sees a former name."""

from __future__ import annotations

import ast
import builtins
import importlib
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def _programs() -> Iterator[tuple[str, ast.Module]]:
    """Each string of several lines that is Python and imports something, with its file and line."""
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "import " in node.value:
                try:
                    program = ast.parse(textwrap.dedent(node.value))
                except SyntaxError:
                    continue
                if _imported(program):
                    yield f"{path.relative_to(TESTS)}:{node.lineno}", program


def _imported(program: ast.Module) -> set[str]:
    imports = [node for node in ast.walk(program) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {(name.asname or name.name).split(".")[0] for node in imports for name in node.names}


def _bound(program: ast.Module) -> set[str]:
    """Every name that a program binds somewhere: scopes are not told apart."""
    bound = _imported(program)
    for node in ast.walk(program):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound


PROGRAMS = dict(_programs())
PREFIXES = {name for program in PROGRAMS.values() for name in _imported(program)}  # some are joined before they run
OURS = ("apps", "assistant", "tests", "benchmarks", "training")


def test_programs_in_strings_are_found() -> None:
    assert len(PROGRAMS) > 30


@pytest.mark.parametrize("where", PROGRAMS)
def test_program_in_a_string_names_only_what_there_is(where: str) -> None:
    program = PROGRAMS[where]
    loaded = {node.id for node in ast.walk(program) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert loaded - _bound(program) - PREFIXES - set(dir(builtins)) - {"__file__"} == set()
    modules = {}
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            for name in node.names:
                modules[name.asname or name.name] = _get_attribute(node.module or "", name.name)
    for node in ast.walk(program):  # `rate_limits.change_limit` of an imported module
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = modules.get(node.value.id)
            if owner is not None and type(owner) is type(ast) and isinstance(node.ctx, ast.Load):
                _get_attribute(owner.__name__, node.attr)


def _get_attribute(module: str, name: str) -> object:
    """What `from module import name` gives; AttributeError or ImportError where there is no such thing."""
    owner = importlib.import_module(module)
    return getattr(owner, name) if hasattr(owner, name) else importlib.import_module(f"{module}.{name}")
