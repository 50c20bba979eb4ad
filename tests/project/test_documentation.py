"""Documentation that tests can fail: links and anchors, the navigation of `mkdocs.yml`, names of functions, formats."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.reading.parsing.formats import FORMATS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
OUTSIDE = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "NOTICE.md")]
WALKS = sorted((DOCS / "develop").glob("one-*.md"))
MAX_STEPS, MAX_SENTENCES = 25, 3
MAX_TERMS = 40  # of the glossary


def strip_code(text: str) -> str:
    """Return the text without fenced blocks and code spans, which hold no links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


@cache
def list_anchors(page: Path) -> frozenset[str]:
    """Return the anchors of the page's headings, as MkDocs and GitHub make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S), re.M)
    plain = (re.sub(r"[^\w\s-]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)) for heading in headings)
    return frozenset(re.sub(r"\s", "-", heading.strip().lower()) for heading in plain)


def find_broken_links(page: Path) -> list[str]:
    """Return the relative links of the page whose file or anchor is missing. Pages of docs/ link within docs/ only."""
    broken = []
    for link in re.findall(r"\]\(<?([^)\s>]+)>?\)", strip_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        inside = DOCS in target.parents or page in OUTSIDE
        there = target.is_file() or (page in OUTSIDE and target.is_dir())
        if not there or not inside or (anchor and anchor not in list_anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", [*PAGES, *OUTSIDE], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_of_the_documentation_resolve(page: Path) -> None:
    assert find_broken_links(page) == []


def list_navigation(item: Any) -> Iterator[str]:
    """Yield the files that an item of the navigation names, its children's included."""
    if isinstance(item, str):
        yield item
        return
    for child in item.values() if isinstance(item, dict) else item:
        yield from list_navigation(child)


def test_navigation_and_files_agree() -> None:
    configuration = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    named = list(list_navigation(configuration["nav"]))
    excluded = configuration.get("exclude_docs", "").split()
    there = [str(page.relative_to(DOCS)) for page in PAGES]
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(set(there) - set(excluded))


@cache
def list_definitions(file: Path) -> frozenset[str]:
    """Return the names of all functions and classes of a module, nested ones included."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds))


def test_functions_and_classes_are_where_the_walks_say() -> None:
    named = re.compile(r"`(\w+)(?:\(\))?`(?: and `(\w+)\(\)`)? (?:in|of) `((?:apps|assistant)/[\w/]+\.py)`")
    found = [(page.name, *match) for page in PAGES for match in named.findall(page.read_text())]
    assert len(found) > 50
    wrong = [
        f"{page}: {name} in {file}"
        for page, *names, file in found
        for name in filter(None, names)
        if name not in list_definitions(ROOT / file) and not name.isupper()
    ]
    assert wrong == []


@pytest.mark.parametrize("page", WALKS, ids=lambda page: page.name)
def test_a_walk_is_short(page: Path) -> None:
    steps = re.findall(r"^(\d+)\. (.+)$", page.read_text(), re.MULTILINE)
    assert max(int(number) for number, _ in steps) <= MAX_STEPS
    sentences = {number: len(re.findall(r"[.!?](?= [A-Z`]|$)", text)) for number, text in steps}
    assert {number: count for number, count in sentences.items() if count > MAX_SENTENCES} == {}


def test_the_glossary_is_short_and_sorted() -> None:
    terms = re.findall(r"^\| ([A-Z][\w -]+) \|", (DOCS / "develop/glossary.md").read_text(), re.MULTILINE)
    assert 0 < len(terms) <= MAX_TERMS
    assert terms == sorted(terms, key=str.lower)


def test_formats_are_all_listed() -> None:
    text = (DOCS / "reference/formats.md").read_text()
    missing = [
        item.kind for item in FORMATS.values() for ending in item.extensions.split() if f"`{ending}`" not in text
    ]
    assert missing == []
