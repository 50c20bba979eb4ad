"""What an answer looks like as HTML: Markdown, code, formulas, sentences, pills."""

from __future__ import annotations

import re

import pytest

from apps.conversations.rendering.answer_renderer import StreamRenderer, render_answer, render_question
from apps.conversations.rendering.citation_marks import SOURCE_GONE, UNVERIFIED, render_citation_marks
from apps.conversations.rendering.link_policy import LinkPolicy, collect_allowed_links
from apps.grounding.citer import SentenceCitation
from apps.grounding.model_citations import find_model_citations
from tests.conversations.rendering.conftest import ANSWER_ID


def bare(html: str) -> str:
    """Without the spans of sentences and the slots of pills."""
    html = re.sub(r'<span class="pills"[^>]*></span>', "", html)
    return re.sub(r'<span class="sentence"[^>]*>(.*?)</span>', r"\1", html)


def show(text: str, links: LinkPolicy | None = None) -> str:
    return bare(render_answer(text, [], ANSWER_ID, links))


def test_markdown_becomes_html() -> None:
    assert show("# Top\n\nSome **bold**, *thin* and ~~old~~ text.") == (
        "<h3>Top</h3>\n<p>Some <strong>bold</strong>, <em>thin</em> and <s>old</s> text.</p>\n"
    )
    items = '<ol start="3">\n<li value="3">c</li>\n</ol>\n'
    assert show("- a\n- b\n\n3. c\n") == f"<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n{items}"
    assert '<th class="align-right">n</th>' in show("| a | n |\n|---|--:|\n| b | 1 |\n")


def test_an_item_of_a_numbered_list_says_its_number() -> None:
    html = render_answer("3. One.\n3. Two.\n   1. In it.\n   - No number.\n8. Three.\n", [], ANSWER_ID)
    assert re.findall(r'<li(?: value="(\d+)")?>', html) == ["3", "4", "1", "", "5"]


def test_code_is_coloured_by_classes_and_holds_no_sentences() -> None:
    html = render_answer('See:\n\n```python\nx = "One. Two."\n```\n', [], ANSWER_ID)
    assert '<span class="s2">"One. Two."</span>' in html
    assert "style=" not in html
    assert html.count("data-sentence") == 2  # "See:" and its slot


def test_code_blocks_name_their_language() -> None:
    assert '<div class="code" data-language="python"><pre' in show("```python\nx = 1\n```")
    assert '<div class="code" data-language="c++"><pre' in show("```c++ title\nx\n```")
    diagram = show("```mermaid\ngraph TD; A-->B;\n```")
    assert '<div class="code" data-language="mermaid"><pre' in diagram and "<svg" not in diagram
    assert '<div class="code"><pre' in show("```\nx\n```")
    assert '<div class="code"><pre' in show('```"><img>\nx\n```')


def test_code_blocks_and_tables_are_scrolled_by_keyboard() -> None:
    assert '<pre tabindex="0">' in show("```\ncode\n```")
    assert '<table tabindex="0">' in show("| a |\n|---|\n| b |\n")


def test_formulas_become_mathml_in_both_spellings() -> None:
    for text in ("So $x^2$.", "So \\(x^2\\)."):
        assert '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in show(text)
    for text in ("$$\nx^2\n$$", "\\[\nx^2\n\\]"):
        assert '<math display="block">' in show(text)
    assert "<math" not in show("It costs $5 and then $6 more.")


def test_a_formula_that_cannot_be_read_is_shown_as_written() -> None:
    assert '<code class="formula">\\frac{</code>' in show("So $\\frac{$ is broken.")


def test_sentences_are_wrapped_and_followed_by_a_slot_for_pills() -> None:
    html = render_answer("One is **bold. Two** is not. [1] Three.\nFour 今日。明日。", [], ANSWER_ID)
    wrapped = re.findall(r'<span class="sentence" data-sentence="(\d)">(.*?)</span>', html)
    assert [text for number, text in wrapped if number == "1"] == ["Two", "is not."]
    assert [number for number, _ in wrapped] == ["0", "0", "1", "1", "2", "3", "4"]
    assert re.findall(r'<span class="pills" data-sentence="(\d)"></span>', html) == ["0", "1", "2", "3", "4"]
    assert (
        '</span><span class="pills" data-sentence="1"></span> <span class="sentence" data-sentence="2">Three.' in html
    )


def test_a_sentence_goes_on_through_code_formulas_and_cells() -> None:
    html = render_answer("Call `f. G` or $a. B$ now. Next.\n\n| x. Y | z |\n|---|---|\n| u | v |\n", [], ANSWER_ID)
    assert re.findall(r'class="pills" data-sentence="(\d)"', html) == ["0", "1", "2", "3"]
    assert "<code>f. G</code>" in html
    assert 'data-sentence="2">z</span><span class="pills" data-sentence="2"></span></th>' in html


def test_spans_of_sentences_point_into_the_text_as_it_was_written() -> None:
    text = "# Top\n\nOne \x07bell\ue000 here.\r\nTwo 😀 [3]. Three\n\n```\ncode. Here\n```\n- four"
    renderer = StreamRenderer()
    renderer.feed(text)
    renderer.finish()
    assert [text[a:b] for a, b in renderer.sentences] == [
        "# Top",
        "One \x07bell\ue000 here.",
        "Two 😀 [3].",
        "Three",
        "- four",
    ]


def test_marks_that_the_model_wrote_are_not_shown_but_remain_as_hints() -> None:
    assert show("So it is [1]. Or so [2, 3]. And 【4】 so.") == "<p>So it is. Or so. And so.</p>\n"
    assert find_model_citations("Or so [2, 3] 【4†x】.") == [2, 3, 4]
    assert "[1]" in show("`a[1]` and\n\n```\nb [1]\n```\n")


def test_pills_name_the_best_source_and_fold_the_others() -> None:
    cites = [
        SentenceCitation(0, 0, 5, 2, 10, 20, 0.56),
        SentenceCitation(0, 0, 5, 7, 10, 20, 0.9),
        SentenceCitation(0, 0, 5, 4, 10, 20, 0.55),
    ]
    html = render_citation_marks(cites, ANSWER_ID)
    assert html.startswith(f'<a class="pill" href="/answers/{ANSWER_ID}/sources/7/?sentence=0" data-source="7"')
    assert 'data-sources="7,2,4" data-state="supported"' in html
    assert html.endswith('7<span class="more"> +2</span></a>')
    assert 'aria-label="Supported: Sources 7, 2, 4"' in html
    quoted = render_citation_marks([*cites, SentenceCitation(0, 0, 5, 9, 10, 20, 0.5, quoted=True)], ANSWER_ID)
    assert 'data-sources="9,7,2,4" data-state="quoted" aria-label="Quoted: Sources 9, 7, 2, 4"' in quoted


def test_a_pill_greys_when_its_source_is_gone_and_an_open_one_goes_first() -> None:
    cites = [SentenceCitation(0, 0, 5, 1, 1, 2, 0.9), SentenceCitation(0, 0, 5, 2, 1, 2, 0.6)]
    assert (
        render_citation_marks(cites[:1], ANSWER_ID, unavailable={1})
        == f'<span class="pill gone" title="{SOURCE_GONE}">1</span>'
    )
    assert 'data-source="2"' in render_citation_marks(cites, ANSWER_ID, unavailable={1})


def test_a_sentence_without_a_source_says_so() -> None:
    html = render_answer("Moon is cheese. Sun is hot.", [SentenceCitation(0, 0, 15, None, 0, 0, 0.1)], ANSWER_ID)
    assert f'<span class="sentence unverified" data-sentence="0" title="{UNVERIFIED}">Moon is cheese.</span>' in html
    assert '<span class="sentence" data-sentence="1">Sun is hot.</span>' in html


def test_a_link_stays_only_where_its_host_is_known() -> None:
    text = (
        "See [the page](https://good.example/a) or [that](https://evil.example/?q=secret) or <https://evil.example/x>."
    )
    html = show(text, LinkPolicy(hosts={"good.example"}))
    assert (
        '<a href="https://good.example/a" target="_blank" rel="noopener noreferrer nofollow">the page '
        '<span class="host">(good.example)</span></a> or that or'
    ) in html
    assert html.count("<a ") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<https://good.example/a>", ""),
        ("[good.example/a](https://good.example/a)", ""),
        ("[bank.example](https://good.example/a)", "(good.example)"),
        ("[gооd.example](https://good.example/a)", "(good.example)"),  # Cyrillic letters
        ("[the *page*](http://www.good.example/)", "(good.example)"),
        ("[us](mailto:me@good.example)", "(me@good.example)"),
        ("<me@good.example>", ""),
    ],
)
def test_a_link_says_where_it_leads_unless_its_words_do(text: str, shown: str) -> None:
    html = show(f"See {text}.", LinkPolicy(hosts={"good.example"}, mailboxes={"me@good.example"}))
    assert html.count("<a ") == 1
    assert re.findall(r'<span class="host">(.*?)</span>', html) == ([shown] if shown else [])


def test_an_address_written_out_is_a_link_where_it_may_be_one() -> None:
    html = show(
        "See https://good.example/a_b_c, www.good.example (or http://evil.example/x).", LinkPolicy({"good.example"})
    )
    assert re.findall(r'<a href="(.*?)" .*?>(.*?)</a>', html) == [
        ("https://good.example/a_b_c", "https://good.example/a_b_c"),
        ("https://www.good.example", "www.good.example"),
    ]
    assert "http://evil.example/x" in html


def test_link_remains_a_link_when_its_source_is_gone() -> None:
    text = "See [the page](https://good.example/a?b=1), https://good.example/x or [that](https://evil.example/)."
    links = collect_allowed_links(["It is at https://good.example/a?b=1."])
    written = render_answer(text, [], ANSWER_ID, links)
    assert list(links.used_links) == ["https://good.example/a?b=1", "https://good.example/x"]
    assert render_answer(text, [], ANSWER_ID, LinkPolicy(stored_links=list(links.used_links))) == written


def test_a_question_is_shown_as_it_was_written() -> None:
    assert render_question("<b>one</b>\ntwo & *three*\r\n\r\nfour\x00\u202e") == (
        "<p>&lt;b&gt;one&lt;/b&gt;<br>two &amp; *three*</p><p>four</p>"
    )
