"""Texts of answers, and a reader of rendered answers that fails on markup which no answer may hold."""

from __future__ import annotations

from html.parser import HTMLParser

ANSWER_ID = "3f0c0e9e-1111-4222-8333-444455556666"
# An answer with every kind of markup; pieces and lines of which any text is made.
ANSWER = """# The report

It says **two things. First**, the sum is $x^2 + y$ [1]. Second, `a.b()` fails. It cost $5 million 😀.
A soft break. [See](https://x.example/) ![pic](https://y.example/p.png) & more [2, 3].

- one item. Another sentence
- two
  - nested

- loose

| a. B | n |
|:--|--:|
| **d** | 1. E |

```python
def f(x):
    return "One. Two."
```

$$
\\frac{1}{2}
$$

> quoted. Text
> goes on

今日は**晴れ。**明日は雨！ The end"""
BITS = """Two ** * ` $ $$ [1] [a](b) \r 😀 \ue000 <b> &amp; \\( \\) ~~ 。 ![x](y)"""
LINES = [
    "One. ",
    " ",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "```\n",
    "- ",
    "1. ",
    "# ",
    "> ",
    "| a | b |\n",
    "|---|---|\n",
    "---\n",
]
TAGS = """p h3 h4 h5 h6 ul ol li blockquote hr br strong em s a code pre span table thead tbody tr th td div
math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msup msub msubsup munder mover munderover mtable mtr mtd
mpadded mphantom menclose mstyle"""
ATTRIBUTES = """data-language class data-sentence href target rel start display stretchy mathvariant fence form width
linethickness
columnalign displaystyle minsize maxsize accent separator scriptlevel title lspace rspace height depth notation
rowspacing columnspacing movablelimits largeop symmetric accentunder tabindex"""


class Reader(HTMLParser):
    """Fails on whatever a browser might act upon."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS.split(), tag
        for name, value in attrs:
            assert name in ATTRIBUTES.split(), (tag, name)
            assert "url(" not in (value or "")
            assert name != "tabindex" or (tag in {"pre", "table"} and value == "0")
            if name == "href":
                assert (value or "").startswith(("https://known.example/", f"/answers/{ANSWER_ID}/sources/")), value

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def check_markup(html: str) -> None:
    """Fail on tags, attributes and addresses that no answer may hold."""
    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    assert "\U000f0000" not in html
    assert "\u2028" not in html
    assert "\u202e" not in html
