"""Growing answer: each frame shows the state of the events, and costs only what is new."""

from __future__ import annotations

import random
from typing import Any

from apps.conversations.core.events import Cited, Text
from apps.conversations.rendering.answer_renderer import StreamRenderer
from apps.conversations.rendering.citation_marks import UNVERIFIED, render_citation_marks
from apps.grounding.citer import SentenceCitation
from apps.grounding.sentence_state import get_sentence_state
from tests.conversations.rendering.conftest import ANSWER, ANSWER_ID, BITS, LINES

SENTENCES = [
    *("One stands. ", "Two is **bold** [1]. ", "Is `a. b` code? ", "It cost $5 million. ", "e.g. Dr. No came! "),
    *("wow![1] ", "A * B is open. ", "2) is no item. ", "- nor this. ", "# or this. ", "> or that. ", "a. b. C. "),
    *("See (x). [2, 3] ", "**Two. Sentences** here. ", "http://x.example/a. ", "晴れ。明日。", "😀 face. ", "x_y_z. "),
    *("A | b. ", "&amp; so. ", "...", "\\( x. y \\). ", "![p](q). ", "  ", "\n", "\n\n", "===\n", "|--|\n"),
    *("| a | b |\n", "``` ", "<b>no</b>. ", "etc. and so. ", "many words that say nothing at all but go on and on, "),
]

CODE = "```python\n" + 'def f(x):\n    return "One. Two."  # and so on\n\n' * 8 + "```\n\n"
TABLE = "| a | b |\n|---|---|\n" + "| One. Two | 3 |\n" * 8 + "\n"
ITEMS = "".join(f"- Item **{n}** says so. It goes on.\n" for n in range(12)) + "\n"

PLAY = """async (frames) => {
    const { Blocks } = await import("/static/js/chat/blocks.js");
    const blocks = new Blocks();
    const text = document.createElement("div");
    const plain = document.createElement("template");
    for (const [at, [events, wanted]] of frames.entries()) {
        for (const event of events) event.sentence === undefined ? blocks.write(event) : blocks.cite(event);
        blocks.show(text);
        plain.innerHTML = wanted;
        if (text.innerHTML !== plain.innerHTML) return { at, shown: text.innerHTML, wanted: plain.innerHTML };
    }
    return null;
}"""
COST = """async ([events, near]) => {
    const { Blocks } = await import("/static/js/chat/blocks.js");
    const { set } = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
    let read = 0;
    Object.defineProperty(Element.prototype, "innerHTML", {
        configurable: true,
        set(html) { read += html.length; set.call(this, html); },
    });
    const early = [], late = [];
    const text = document.querySelector("main").appendChild(document.createElement("div"));
    let first = null;
    for (let round = 0; round < 12; round += 1) {
        const blocks = new Blocks();
        text.replaceChildren();
        let written = 0;
        for (const event of events) {
            const started = performance.now();
            event.sentence === undefined ? blocks.write(event) : blocks.cite(event);
            blocks.show(text);
            const took = performance.now() - started;
            written += event.html.length;
            if (blocks.list[0].nodes.length && written < near[0]) early.push(took);
            if (written > near[1]) late.push(took);
            first ??= text.querySelector("[data-sentence]");
        }
        if (!round) first = [first, first.isConnected];
    }
    const usual = (values) => {  // without those that met something else of the machine
        const kept = values.sort((one, other) => one - other).slice(0, Math.ceil(values.length * 0.95));
        return kept.reduce((sum, value) => sum + value, 0) / kept.length;
    };
    text.remove();
    return { read, early: usual(early), late: usual(late), stands: first[1] };
}"""


def frames(text: str, chance: random.Random) -> list[tuple[list[dict[str, Any]], str]]:
    """Return the events of an answer in pieces, several in one frame, and what each frame shows."""
    renderer, made, waiting = StreamRenderer(), list[tuple[list[dict[str, Any]], str]](), list[dict[str, Any]]()
    cited: dict[int, Cited] = {}
    at = 0
    while at < len(text):
        size = chance.choice([1, 3, 9, 40])
        events = renderer.feed(text[at : at + size])
        at += size
        events += renderer.finish() if at >= len(text) else []
        waiting += [_plain(event) for event in events]
        for number in range(len(cited), len(renderer.sentences)):
            if chance.random() < 0.5:
                break
            cites = [SentenceCitation(number, 0, 9, number % 3 or None, 0, 9, 0.7)] if number % 4 else []
            cited[number] = Cited(number, get_sentence_state(cites) or "", render_citation_marks(cites, ANSWER_ID))
            waiting.append(_plain(cited[number]))
        if chance.random() < 0.6 or at >= len(text):
            made.append((waiting, _with(cited, "".join(renderer.blocks))))
            waiting = []
    return made


def _plain(event: Text | Cited) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def _with(cited: dict[int, Cited], html: str) -> str:
    for number, event in cited.items():
        slot = f'<span class="pills" data-sentence="{number}">'
        html = html.replace(f"{slot}</span>", f"{slot}{event.html}</span>")
        if event.state == "unverified":
            span = f'<span class="sentence" data-sentence="{number}">'
            html = html.replace(
                span, f'{span[:-1].replace("sentence", "sentence unverified", 1)} title="{UNVERIFIED}">'
            )
    return html


def test_streamed_answer_shows_in_every_frame_the_bytes_that_the_events_say(page_wide: Any) -> None:
    chance = random.Random(7)
    parts = [*BITS.split(), *LINES, *SENTENCES, "===\n"]
    texts = [ANSWER, ANSWER, ANSWER, CODE + ANSWER, TABLE + ITEMS + CODE, ITEMS + TABLE]
    texts += ["".join(chance.choices(parts, k=chance.randrange(4, 50))) for _ in range(120)]
    for text in texts:
        wrong = page_wide.evaluate(PLAY, frames(text, chance))
        assert wrong is None, repr(text)


def written(words: int, ends: str) -> list[dict[str, Any]]:
    renderer = StreamRenderer()
    made: list[Text] = []
    for number in range(words):
        made += renderer.feed(
            f"{'Word' if number % 12 == 0 else 'word'}{number} "
            if (number + 1) % 12
            else f"word{number} [1].{ends if number % 48 == 47 else ' '}"
        )
    return [_plain(event) for event in [*made, *renderer.finish()]]


def test_the_work_for_an_event_is_what_is_new_in_paragraphs_and_in_one_of_twenty_thousand_characters(
    page_wide: Any,
) -> None:
    for ends in ("\n\n", " "):
        short, long = (page_wide.evaluate(COST, [written(words, ends), [600, 600]]) for words in (1250, 2500))
        assert long["read"] < 2.2 * short["read"], "characters of HTML that were read"
        assert long["stands"], "what is finished is not made again"
        assert short["read"] < 12 * 40 * 12 * 1250


def test_twenty_thousand_characters_later_an_event_takes_as_long_as_at_the_beginning(page_wide: Any) -> None:
    events = written(2500, "\n\n")
    total = sum(len(event["html"]) for event in events)
    took = page_wide.evaluate(COST, [events, [1000, total - 2000]])
    assert took["late"] < 6 * took["early"] + 0.05, took  # on a quiet machine a third: 0.02 ms
