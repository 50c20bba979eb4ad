"""What hostile text costs: no input of 100,000 characters holds a page up, whole or written in small pieces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from unittest.mock import patch

import pytest

from apps.conversations.rendering import markdown
from apps.conversations.rendering.answer_renderer import StreamRenderer, render_answer, render_question
from apps.conversations.rendering.link_policy import LinkPolicy
from apps.lib.concurrency.cpu_deadline import Deadline
from tests.conversations.rendering.conftest import ANSWER_ID, check_markup

PAGE_S = 4.0  # of processor time: the promise is one second on a quiet machine, tests run on busy ones
STREAM_S = 10.0  # likewise of 25,000 characters in pieces of four

Text = Callable[[int], str]  # of about so many characters


def repeat(unit: str, before: str = "", after: str = "") -> Text:
    return lambda size: before + (unit * (size // len(unit) + 1))[:size] + after


def blocks(unit: str, times: int) -> Text:
    """Blocks that hold the unit so often, which is just below what makes a block rough."""
    return lambda size: (unit * times + "\n\n") * max(1, size // (len(unit) * times + 2))


def formulas(unit: str) -> Text:
    """Formulas of nearly a thousand characters, no two of them alike."""
    times = 940 // len(unit)
    return lambda size: "".join(f"${unit * times}{number}$\n\n" for number in range(max(1, size // 950)))


def tables(columns: int, rows: int) -> Text:
    table = f"{'|a' * columns}|\n{'|-' * columns}|\n" + "|\n" * rows + "\n"
    return lambda size: table * max(1, size // len(table))


UNITS = [
    *(
        "$$",
        "$a",
        "$a$",
        "$$a$$",
        "\\(",
        "\\[",
        "\\(a\\)",
        "$a^b$",
        "*",
        "**",
        "_",
        "***",
        "**a",
        "*a_",
        "~~a",
        "`",
        "``",
    ),
    *("`a", "[", "]", "[a](", "![", "[a][", "[[a](b)", "<", "<a", "&", "&amp;", "\\", "\\\\", "|", ">", ">>", "-", "="),
    *("#", "1.", "a.", "A.", "[1]", "[1,", "【1】", "http://", "www.a.com", "a@b.c", "😀", "{", "}", "(", '"', "<!--"),
    *("</a>", "![a](b)", "[a](http://a.example/b)"),
]
LINES = [
    "$$\n",
    "$$a\n",
    "$$\na\n\n",
    "\\[\n",
    "\\[a\n",
    "\\[\na\n\n",
    "|\n",
    "|a|b\n",
    "a|b\n-|-\n",
    "> ",
    "> a\n",
    "- ",
]
LINES += [
    "- a\n",
    "- - a\n",
    "1. a\n",
    "# a\n",
    "=\n",
    "a\n=\n",
    "***\n",
    "```\n",
    "```python\n",
    "    a\n",
    "a\n",
    "a\n\n",
]
LINES += ["- [ ] a\n", "a  \n", "> $$\n", "- ```\n", "|a|b|\n|-|-|\n|c|d|\n\n", "<div>\n", "[a]: b\n", "\t", "\n", " "]
UNITS += ["](", "$", "[[]", "$x^{", "\ue000", "<div>", "**a ", "[1] "]
LINES += ["1. ", "a. ", "\n> ", "\n- ", "\n\n  - ", "> - ", "a|\n-|\n", "\n|a|b|\n|-|-|"]
INSIDE = ["$a ", "**a ", "`a", "[a](", "\\(a", "*a **b ", "$$a$b", "![a", "~~a", "<a:b "]
FORMULAS = [
    "^",
    "a^",
    "_",
    "_^",
    "\\frac",
    "\\sqrt",
    "\\hat",
    "a\\over ",
    "\\left(",
    "\\bf ",
    "'",
    "a&",
    "{",
    "\\text{a}",
]
LANGUAGES = [
    "python",
    "javascript",
    "java",
    "c",
    "csharp",
    "ruby",
    "perl",
    "scala",
    "kotlin",
    "html",
    "xml",
    "css",
    "yaml",
    "ini",
    "markdown",
    "bash",
    "sql",
]
SIGNS = [" ", "\n", "\\"]
KINDS: dict[str, Text] = {
    **{f"unit {unit!r}": repeat(unit) for unit in [*UNITS, *LINES]},
    **{f"blocks of {unit!r}": blocks(unit, 700) for unit in INSIDE},
    **{f"formulas of {unit!r}": formulas(unit) for unit in FORMULAS},
    **{f"{name} {sign!r}": repeat(sign, f"```{name}\n", "\n```\n") for name, sign in product(LANGUAGES, SIGNS)},
    **{f"fences of {name}": blocks(f"```{name}\n{'a. = ' * 3_900}\n```\n\n", 1) for name in LANGUAGES},
    "one wide table": lambda size: f"|{'a|' * (size // 8)}\n|{'-|' * (size // 8)}\n" + "|\n" * (size // 4),
    "a table of many rows": lambda size: "|a|\n|-|\n" + "|b|\n" * (size // 4),
    "tables of 50 columns": tables(50, 50),
    "tables of 199 columns": tables(199, 400),
    "nested lists": lambda size: "".join(f"{' ' * (2 * (n % 40))}- a\n" for n in range(size // 44)),
    "a quote that goes on": lambda size: "> a\n" + "b\n" * (size // 2),
    "links in links": lambda size: "[a" * (size // 3) + "](b)" * (size // 12),
    "ticks of all lengths": lambda size: "".join("`" * (n % 60 + 1) + "a" for n in range(size // 31)),
    "an address without end": lambda size: "http://a.example/" + "(" * size,
    "macros that use one another": lambda size: formulas(
        r"\def\a{xxxxxxxx}\def\b{\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b\b}\def\d{\c\c\c\c\c\c\c\c}\d\d\d\d\d\d\d\d "
    )(size),
}  # fmt: skip


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def test_hostile_texts_are_of_many_kinds() -> None:
    assert len(KINDS) >= 150


EVERY_DAY = list(KINDS)[::12]  # some of each family


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in EVERY_DAY else [pytest.mark.slow]) for kind in KINDS]
)
def test_a_page_of_it_is_quick_and_costs_what_the_text_is_long(kind: str) -> None:
    costs = {
        size: spent(lambda size=size: render_answer(KINDS[kind](size), [], ANSWER_ID)) for size in (25_000, 100_000)
    }  # type: ignore[misc]
    assert costs[100_000] < PAGE_S
    assert costs[100_000] < 8 * costs[25_000] + 0.5  # sixteen times were quadratic


def test_code_is_coloured_at_a_bounded_cost() -> None:
    for name, sign in product(LANGUAGES, ["a.", "&", '"']):
        text = repeat(sign, f"```{name}\n", "\n```\n")(19_000)
        assert spent(lambda text=text: render_answer(text, [], ANSWER_ID)) < PAGE_S / 2, (name, sign)  # type: ignore[misc]
    assert spent(lambda: render_answer(f"```ini\n{'=a' * 9_500}\n```\n", [], ANSWER_ID)) < PAGE_S / 4
    assert spent(lambda: render_answer(f"```ps1con\n{'<!--a' * 3_800}\n```\n", [], ANSWER_ID)) < PAGE_S / 4


def pieces(text: str) -> Iterator[str]:
    return (text[at : at + 4] for at in range(0, len(text), 4))


GROWING = {
    "one table": lambda size: "| a | b |\n|---|---|\n" + "| one | two |\n" * (size // 14),
    "one wide table": KINDS["one wide table"],
    "one list": repeat("- item of a list\n"),
    "one block of code": lambda size: "```python\n" + "def f(x):\n    return x\n" * (size // 24),
    "formulas": repeat("$x^2$ "),
    "an open formula": repeat("$$\na\n"),
    "emphasis": repeat("**a "),
    "lines": repeat("a\n"),
}


@pytest.mark.parametrize(
    "kind", ["one list", *(pytest.param(kind, marks=pytest.mark.slow) for kind in GROWING if kind != "one list")]
)
def test_an_answer_that_grows_by_small_pieces_costs_what_it_is_long(kind: str) -> None:
    def write(size: int) -> None:
        renderer = StreamRenderer()
        for piece in pieces(GROWING[kind](size)):
            renderer.feed(piece)
        renderer.finish()

    assert spent(lambda: write(25_000)) < STREAM_S


@pytest.mark.parametrize("kind", GROWING)
def test_streamed_hostile_text_ends_as_the_whole_text_renders(kind: str) -> None:
    text, renderer = GROWING[kind](6_000), StreamRenderer()
    for piece in pieces(text):
        renderer.feed(piece)
    renderer.finish()
    assert "".join(renderer.blocks) == render_answer(text, [], ANSWER_ID)


@pytest.mark.slow
def test_a_question_of_it_is_quick() -> None:
    for kind, text in KINDS.items():
        assert spent(lambda text=text: render_question(text(100_000))) < PAGE_S / 4, kind  # type: ignore[misc]


def deep_in_calls(levels: int, work: Callable[[], str]) -> str:
    """The result of the work, called as deep in the stack as requests are behind all middleware."""
    return deep_in_calls(levels - 1, work) if levels else work()


@pytest.mark.parametrize("sign", ["^", "_", "_^", "a^", "\\left("])
def test_a_formula_of_hundreds_of_levels_is_shown_as_written(sign: str) -> None:
    formula = sign * (900 // len(sign))
    html = deep_in_calls(200, lambda: render_answer(f"Before.\n\n${formula}$\n\nAfter.", [], ANSWER_ID))
    assert formula[:800] in html
    assert "After." in html


def test_macros_of_a_formula_are_not_expanded() -> None:
    assert '<code class="formula">' in render_answer(
        r"So $\newcommand{\a}[1]{#1#1#1#1}\a{\a{\a{\a{x}}}}$.", [], ANSWER_ID
    )
    assert "<math" in render_answer(r"So $\operatorname{def} x = \defined$.", [], ANSWER_ID)


def test_a_block_that_cannot_be_rendered_is_plain_text_and_the_others_stand() -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    with patch.object(markdown, "_formula", broken):
        html = render_answer("One **stands**.\n\nTwo <b> $x$.\n\nThree *too*.", [], ANSWER_ID)
    assert "<strong>" in html
    assert '<p class="plain">Two &lt;b&gt; $x$.</p>' in html
    assert "<em>" in html


def test_blocks_that_cannot_be_found_are_plain_text() -> None:
    with patch("apps.conversations.rendering.answer_renderer.split_blocks", side_effect=RecursionError):
        assert render_answer("# One\n\n<b>two</b>", [], ANSWER_ID) == (
            '<p class="plain"># One\n\n&lt;b&gt;two&lt;/b&gt;</p>\n'
        )  # fmt: skip


def test_rendering_past_its_deadline_gives_plain_text() -> None:
    with patch.object(Deadline, "passed", True):
        html = render_answer("# One\n\n**two** <b>\n\n- three", [], ANSWER_ID)
    assert html == '<p class="plain"># One\n\n**two** &lt;b&gt;\n\n- three</p>\n'


def test_a_table_has_at_most_200_columns_and_ends_at_10_000_cells() -> None:
    wide = f"|{'a|' * 200}\n|{'-|' * 200}\n|b|\n"
    assert "<table" not in render_answer(wide, [], ANSWER_ID)
    assert "<table" in render_answer(f"|{'a|' * 40}\n|{'-|' * 40}\n|b|\n", [], ANSWER_ID)
    assert render_answer("|a|b|\n|-|-|\n" + "|\n" * 9_000, [], ANSWER_ID).count("<td>") <= 10_000


SCHEMES = ["javascript:", "JaVaScRiPt:", "java\tscript:", "&#106;avascript:", "vbscript:", "data:text/html,", "blob:"]
SCHEMES += ["file:///"]
CALLS = ["alert(1)", "alert`1`", "<script>alert(1)</script>", "//%0aalert(1)", "&lt;img src=x onerror=alert(1)&gt;"]
PLACES = [
    "[a](@)",
    "[a](<@>)",
    '[a](@ "onload=alert(1)")',
    "![a](@)",
    "<@>",
    "$\\href{@}{x}$",
    "`@`",
    "|a|\n|-|\n|[b](@)|",
]
EVENTS = [
    "onerror",
    "onload",
    "onmouseover",
    "onfocus",
    "ontoggle",
    "style",
    "srcdoc",
    "xlink:href",
    "formaction",
    "action",
    "onclick",
]
TAGS = [
    "img src=x",
    "svg",
    "math",
    "a href=x",
    "iframe",
    "details open",
    "form",
    "video",
    "span class=sentence",
    "style",
]
AROUND = ["@", "**@**", "# @", "- @", "> @", "|@|\n|-|\n|@|", "```html\n@\n```", "$\\text{@}$"]
AROUND += ["[@](https://known.example/)"]


def injections() -> Iterator[str]:
    """Two thousand texts that want to become a script, a handler, a style or an address of another kind."""
    for scheme, call, template in product(SCHEMES, CALLS, PLACES):
        yield template.replace("@", scheme + call)
    for tag, event, around in product(TAGS, EVENTS, AROUND):
        yield around.replace("@", f'<{tag} {event}="alert(1)">')
    for scheme, event, around in product(SCHEMES, EVENTS, AROUND):
        yield around.replace("@", f"[x]({scheme}x \"{event}=x\") <a {event}='{scheme}x'>")


def test_injected_texts_by_the_thousand_never_become_markup() -> None:
    texts = list(dict.fromkeys(injections()))
    assert len(texts) >= 2_000
    links = LinkPolicy(hosts={"known.example"})
    for text in texts:
        check_markup(render_answer(text, [], ANSWER_ID, links))
        check_markup(render_question(text))
