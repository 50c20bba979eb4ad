"""Text that the style sheets of a web page hide, by whatever rule, is left out; what the same sheet shows stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from apps.reading.parsing.html.parser import read_page
from apps.reading.parsing.protocol import HIDDEN_TEXT_LEFT_OUT
from tests.reading.parsing.parser_runs import html_page, read_lines

USUAL = (  # style sheets that hide elements of class x, and show those of class y
    "@media screen{.x{display:none}}",
    "@media all and (min-width:300px){.x{display:none}} @media (max-width:600px){.y{display:none}}",
    "@media not print{.x{visibility:hidden}} @media not all{.y{display:none}}",
    "@media (width >= 40em) and (hover){.x{opacity:0}} @media (prefers-color-scheme:dark){.y{opacity:0}}",
    "@media print, (orientation:landscape){.x{font-size:0}} @media (400px <= width <= 900px){.y{font-size:0}}",
    "@media (not (monochrome)) and (hover){.x{display:none}} @media (hover:none){.y{display:none}}",
    "@layer a{.x{display:none}}",
    "@layer b, c; @layer c{.x{display:none}.y{display:block}} @layer b{.x{display:block}.y{display:none}}",
    "@layer a{.y{display:none}} .y{display:block} @layer b{.x{display:none !important}} .x{display:block}",
    "@supports (display:grid){.x{display:none}} @supports not (display:grid){.y{display:none}}",
    "@supports selector(:is(a)) and (color:red){@media screen{@layer q{.x{clip-path:inset(50%)}}}}",
    "@container card (min-width:200px){.x{display:none}} @container (max-width:200px){.y{display:none}}",
    "p.x:hover{display:block} p.x:defined{display:none} p.y:hover{display:none}",
    ":root{--a:none} .x{display:var(--a)} .y{display:var(--b)}",
    ".x{opacity:var(--missing,0)} .y{opacity:var(--missing,1)}",
    ".x{display:none;display:glow} .y{display:none;display:block}",
    ".x{color:rgb(10 20 30 / 0)} .y{color:rgb(10 20 30 / .9)}",
    ".x{color:hwb(0 100% 0)} .y{color:hwb(0 20% 0)}",
    ".x{-webkit-text-fill-color:transparent} .y{background-clip:text;color:transparent}",
    ".x{position:absolute;inset:-5000px} .y{position:absolute;inset:0}",
    "/* } */ .a::after{content:'} .y{display:none}'} @font-face{src:url('data:,}')} .x{display:none}",
)
# a style sheet, what it hides, and what it shows
TWINS = (
    *((css, "<p class=x>", "<p class=y>") for css in USUAL),
    ("@media print{.x{display:none}} .h{opacity:0}", "<p class=h>", "<p class=x>"),
    (
        ".hidden{display:none} @media (min-width:768px){.md\\:block{display:block}}",
        "<p class=hidden>",
        "<p class='hidden md:block'>",
    ),
    ("div>p.x{display:none}", "<div><p class=x>", "<div><section><p class=x>"),
    ("h2 + p{display:none}", "<h2></h2><p>", "<h2></h2><hr><p>"),
    ("h2 ~ p.x{text-indent:-9999px}", "<h2></h2><hr><p class=x>", "<div><h2></h2></div><p class=x>"),
    ("[class=x]{display:none}", "<p class=x>", "<p class='x y'>"),
    ("[data-role^='no' i]{display:none}", "<p data-role=Note>", "<p data-role=anno>"),
    ("p[title*='hid'], [lang|=de]{visibility:hidden}", "<p lang=de-AT>", "<p lang=den>"),
    ("p:is(.x, .z){display:none}", "<p class=z>", "<p class=y>"),
    (":where(section .x){opacity:0}", "<section><p class=x>", "<p class=x>"),
    ("p.x:not(.shown){display:none}", "<p class=x>", "<p class='x shown'>"),
    ("div:has(> i.off) p{display:none}", "<div><i class=off></i><p>", "<div><b><i class=off></i></b><p>"),
    ("section p:nth-child(2){display:none}", "<section><hr><p>", "<section><hr><hr><p>"),
    (":root{--o:1} .d{--o:0} p.t{opacity:calc(var(--o))}", "<div class=d><p class=t>", "<div><p class=t>"),
    (
        ".c{color:red; & .x{display:none} .z &{display:none} > .w{opacity:0}}",
        "<div class=c><b><p class=x>",
        "<p class=x>",
    ),
    (".c{@media screen{display:none} @media print{color:red}}", "<p class=c>", "<p class=d>"),
    ("@scope (.card){.x{display:none}}", "<div class=card><p class=x>", "<p class=x>"),
    ("#i.x{display:block} .x{display:none}", "<p class=x>", "<p class=x id=i>"),
    (".x{display:none} p.x.z{display:flex}", "<p class=x>", "<p class='x z'>"),
    (".x{scale:0} .z{translate:-9999px} .y{scale:0.9;translate:-10px}", "<p class=z>", "<p class=y>"),
    (
        "@import url(x.css); @page{margin:0} @keyframes k{from{display:none}} @media screen{.x{display:none}}",
        "<p class=x>",
        "<p class=k>",
    ),
)


def text_of(css: str, inner: str) -> tuple[str, int]:
    found = read_page(f"<html><head><style>{css}</style></head><body><p>Seen.</p>{inner}Words.</body></html>")
    return " ".join(block.text for block in found.blocks), found.hidden


@pytest.mark.parametrize(("css", "hides", "shows"), TWINS, ids=[css[:40] for css, _, _ in TWINS])
def test_text_hidden_by_a_style_sheet_is_left_out_and_its_visible_twin_stays(css: str, hides: str, shows: str) -> None:
    assert text_of(css, hides) == ("Seen.", 1)
    assert text_of(css, shows) == ("Seen. Words.", 0)


@pytest.mark.parametrize(
    ("inner", "kept"),
    [
        ("<p style='--a:none;display:var(--a)'>", False),
        ("<p style='display:block' hidden>", True),
        ("<p popover>", False),
        ("<p style='opacity:0 !important;opacity:1'>", False),
        ("<noscript><style>p.x{display:none}</style></noscript><p class=x>", True),
        ("<style media=print>p.x{display:none}</style><p class=x>", True),
        ("<style media='(min-width:9px)'>p.x{opacity:0}</style><p class=x>", False),
        ("<style type='text/less'>p.x{display:none}</style><p class=x>", True),
    ],
)
def test_attributes_and_sheets_of_other_kinds(inner: str, kept: bool) -> None:
    assert text_of("", inner) == (("Seen. Words.", 0) if kept else ("Seen.", 1))


def test_the_owner_is_told_what_a_rule_in_a_block_hid(tmp_path: Path) -> None:
    sheet = "<style>@media screen{body>p:is(.x){display:none}}</style>"
    assert read_lines(tmp_path, "a.html", html_page("<p class=x>Hidden.</p>", sheet)) == ("Seen.", HIDDEN_TEXT_LEFT_OUT)


COSTLY = {
    "many rules for many elements": (
        "".join(f".c{n}>b,[a{n}]{{opacity:0}}" for n in range(3000)),
        "<b class=q>w</b>" * 20_000,
    ),
    "ancestors in ancestors": ("q " + "div " * 30 + "p{display:none}", "<div>" * 200 + "<p>w</p>" * 2000),
    "siblings before siblings": ("a ~ b ~ b ~ b ~ i{display:none}", "<b></b>" * 3000 + "<i>w</i>" * 500),
    "descendants of all": ("div:has(b:has(u)) p{opacity:0}", "<div>" * 150 + "<b>w</b>" * 3000 + "<p>w</p>" * 500),
    "places among those of a type": ("b:nth-of-type(7n) {opacity:0}", "<b>w</b>" * 20_000),
    "rules in rules": ("a{& & &{" * 200 + "opacity:0" + "}}" * 200, "<p>w</p>"),
    "brackets": ("a{color:" + "(" * 200_000, "<p>w</p>"),
    "variables of variables": (
        "p{" + "".join(f"--v{n}:var(--v{n + 1}) var(--v{n + 1});" for n in range(40)) + "display:var(--v0)}",
        "<p>w</p>" * 500,
    ),
    "a long sheet": (".a{color:red}" * 400_000, "<p>w</p>"),
    "a long selector": (":is(" * 5000 + "a" + ")" * 5000 + "{opacity:0}", "<p>w</p>"),
}


SLOW = {"many rules for many elements", "descendants of all", "a long sheet"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in COSTLY]
)
def test_style_sheets_do_not_make_a_page_costly(name: str) -> None:
    css, inner = COSTLY[name]
    began = time.thread_time()
    text_of(css, inner)
    assert time.thread_time() - began < 12  # seconds of the processor; an ordinary page takes a hundredth of one


def test_text_whose_visibility_costs_too_much_to_find_counts_as_hidden() -> None:
    css = "q " + "div " * 30 + "p{display:none}"
    assert text_of(css, "<div>" * 200 + "<p>w</p>" * 2000)[1] > 0


def test_a_rule_after_an_embedded_font_is_read() -> None:
    font = "@font-face{src:url(data:font/woff2;base64," + "A" * 3_000_000 + ")}"
    assert text_of(font + ".x{display:none}", "<p class=x>") == ("Seen.", 1)
