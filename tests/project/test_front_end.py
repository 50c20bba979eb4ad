"""Events and hooks by which scripts, templates and the server work together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]


def read_all(*patterns: str) -> str:
    return "\n".join(path.read_text() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


SCRIPTS = read_all("static/js/**/*.js")
TEMPLATES = read_all("templates/**/*.html", "apps/**/*.html")
SERVER = read_all("apps/**/*.py", "assistant/**/*.py")
ASKED = set(re.findall(r"\[data-([a-z][a-z0-9-]*)", SCRIPTS))


def in_script(hook: str) -> str:
    """Return the name of a hook as `dataset` has it."""
    return re.sub(r"-(.)", lambda found: found[1].upper(), hook)


def lacking(hooks: Iterable[str], *texts: str) -> list[str]:
    return [hook for hook in sorted(hooks) if not any(f"data-{hook}" in text for text in texts)]


def test_the_page_on_the_front_end_lists_all_events_that_scripts_dispatch() -> None:
    dispatched = set(re.findall(r'new CustomEvent\("([^"]+)"', SCRIPTS))
    listed = set(
        re.findall(r"^\| `([a-z]+:[a-z]+)` \|", (ROOT / "docs/develop/front-end.md").read_text(), re.MULTILINE)
    )
    assert dispatched == listed
    heard = set(re.findall(r'addEventListener\("([a-z]+:[A-Za-z]+)"', SCRIPTS))
    assert {event for event in heard if not event.startswith("htmx:")} == dispatched


def test_hooks_that_scripts_ask_for_are_set_somewhere() -> None:
    assert len(ASKED) > 100
    set_by_scripts = {hook for hook in ASKED if f"dataset.{in_script(hook)}" in SCRIPTS}
    assert lacking(ASKED - set_by_scripts, TEMPLATES, SERVER) == []


def test_hooks_of_templates_are_all_used() -> None:
    hooks = set(re.findall(r"\sdata-([a-z][a-z0-9-]*)", TEMPLATES))
    styles, tests = read_all("static/css/**/*.css"), read_all("tests/**/*.py", "tests/**/*.js")
    unused = lacking(hooks, SCRIPTS, styles, tests)
    assert [hook for hook in unused if not re.search(rf"\b{in_script(hook)}\b", SCRIPTS)] == []


def test_templates_load_the_tags_and_filters_that_they_use() -> None:
    folder = ROOT / "templates"
    for path in sorted(folder.rglob("*.html")):
        get_template(str(path.relative_to(folder)))  # raises TemplateSyntaxError
