"""Tests that icons equal those of the package, and are rendered once."""

from __future__ import annotations

import pytest
from django.template import Context, Engine
from django.utils.safestring import mark_safe
from heroicons.templatetags import heroicons as package

from apps.lib import icons


def shown(library: str, tag: str, **values: object) -> str:
    engine = Engine(libraries={"heroicons": library})
    return engine.from_string("{% load heroicons %}{% heroicon_" + tag + " %}").render(Context(values))


@pytest.mark.parametrize(
    "tag",
    [
        '"photo" size=32', '"photo"', 'solid "check"', '"folder" size=16 aria_hidden="true"', 'solid "check" size=size',
        '"folder" size=16 aria_label=label stroke_width=2', '"folder" class=safe vector_effect="none"',
    ],
)  # fmt: skip
def test_icon_tags_render_the_icons_of_the_package(tag: str) -> None:
    tag = tag if tag.startswith("solid") else f"outline {tag}"
    values = {"label": 'Tom\'s <b>"folder"</b>', "safe": mark_safe("a & b"), "size": 14}
    for _ in range(2):
        assert shown("apps.lib.icons", tag, **values) == shown("heroicons.templatetags.heroicons", tag, **values)


def test_the_second_time_it_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    icons._drawn.cache_clear()
    first = shown("apps.lib.icons", 'outline "bolt" size=17 aria_label=label', label="Quick")
    monkeypatch.delattr(package, "_render_icon")
    assert shown("apps.lib.icons", 'outline "bolt" size=17 aria_label=label', label="Quick") == first != ""
    with pytest.raises(NameError):
        shown("apps.lib.icons", 'outline "bolt" size=17 aria_label=label', label="Slow")
