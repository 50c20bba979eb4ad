"""An answer that goes round in circles is ended, and what repeats is not shown again and again."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.conversations.models import Message
from apps.conversations.turns import repetition as module
from apps.conversations.turns.repetition import RepetitionDetector
from apps.lib.text.analyzer import split_words

ROOT = Path(settings.BASE_DIR)
QUESTION = "How high was the lighthouse of Alexandria?"


def shown(*pieces: str) -> list[str]:
    repeats = RepetitionDetector()
    kept = []
    for piece in pieces:
        if repeats.has_loop(piece):
            break
        kept.append(piece)
    return kept


def test_the_same_sentence_is_shown_twice_at_most_in_a_row() -> None:
    assert shown(*["Press the button to stop. "] * 9) == ["Press the button to stop. "] * 2


def test_two_sentences_in_turn_are_a_loop_too() -> None:
    assert len(shown(*["Press the button to stop. ", "It will stop at once then. "] * 20)) == 4


@pytest.mark.parametrize("piece", ["Yes. ", "}\n", "- \n", "## Answer\n"])
def test_short_pieces_may_come_again(piece: str) -> None:
    assert len(shown(*[piece] * 9)) == 9


def test_an_answer_that_differs_is_left_alone() -> None:
    pieces = [f"In {1900 + number} the tower had {number * number} visitors. " for number in range(30)]
    assert shown(*pieces) == pieces
    steps = [f"Step {number} is to press button {letter} once. " for number, letter in enumerate("ABCDEFGHIJKL", 1)]
    assert shown(*steps) == steps


@pytest.mark.parametrize("size", [1, 4, 24, 60])
@pytest.mark.parametrize(
    "turn",
    [
        "E-M-O-M-N-S-", "-n ", "1.", "1.2.3.4.", "- n\n", "Yes. ", "The answer is {}. ", "the answer is {}, ",
        "{}. The pump is reset by a button.\n", "{}) Press button {} to reset the pump.\n", "- Press it to stop now\n",
    ],
)  # fmt: skip
def test_letters_and_counting_are_loops_and_end_soon(turn: str, size: int) -> None:
    text = "The manual says it. " + "".join(turn.replace("{}", str(number)) for number in range(1, 400))
    kept, over = drawn(text, size)
    assert over and kept.startswith("The manual says it. ")
    assert len(kept) <= 260, "about 40 tokens, and at most six sentences that count"


@pytest.mark.parametrize(
    "text",
    [
        "| part | fits |\n|---|---|\n" + "| yes | no |\n" * 6 + "| a valve | no |\n",
        "0 0 0 0 1 0 0 0\n" * 12,
        "o-o-o-o   x x x x\n" * 6,
        "".join(f"@dataclass(frozen=True, slots=True)\nclass C{n}:\n    b{n}: int\n\n\n" for n in range(9)),
        "".join(f'{{"id": {number}, "value": 0}}, ' for number in range(40)),
        "".join(f"- Chapter {number}: {'abcdefghij'[number]}{number * 7 % 5} pages\n" for number in range(10)),
        "A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z",
        "The object identifier is 1.3.6.1.4.1.311.21.8.7.6.5.4.3.2.1 and no other.",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20",
        "Wait. " + "".join(f"Then turn the knob to {size} mm. " for size in (3, 5, 9, 14, 20, 27, 35, 44)),
    ],
)  # fmt: skip
def test_tables_code_drawings_and_lists_are_no_loops(text: str) -> None:
    assert [drawn(text, size) for size in (1, 40, 4000)] == [(text, False)] * 3


def test_real_documents_are_not_taken_for_loops(shared: Path) -> None:
    """Their texts as other programs wrote them, and the project's own code and documentation."""
    files = [*(shared / "data" / "ingest_docs" / "docling_groundtruth").glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    files += [*(ROOT / "apps" / "conversations").rglob("*.py"), *(ROOT / "static" / "js").rglob("*.js")]
    assert len(files) > 150
    texts = {path.name: path.read_text()[:30_000] for path in files if path.name != "trial.md"}  # it shows loops
    assert [name for name, text in texts.items() if drawn(text, 80)[1]] == []


def test_sentences_before_a_loop_are_kept() -> None:
    repeats = RepetitionDetector()
    said = "It is tall and white. " * 2
    assert repeats.feed("The lighthouse stood on an island. " + said + "It is tall and white. And more of it. ") == (
        "The lighthouse stood on an island. " + said
    )
    assert (
        RepetitionDetector().feed("One of them is red.\nTwo of them are blue.\n")
        == "One of them is red.\nTwo of them are blue.\n"
    )


def drawn(text: str, size: int) -> tuple[str, bool]:
    """What is shown of it where it comes in pieces of so many characters, and whether it was ended."""
    repeats, kept = RepetitionDetector(), ""
    for at in range(0, len(text), size):
        kept += repeats.feed(text[at : at + size])
        if repeats.over:
            break
    return kept + repeats.flush(), repeats.over


@pytest.mark.parametrize("size", [1, 2, 3, 7, 24, 50, 600])
def test_repeated_sentence_is_shown_twice_wherever_the_pieces_end(size: int) -> None:
    sentence = "It is a collection of documents that are searched together. "
    kept, over = drawn("The answer is short. " + sentence * 12, size)
    assert over and kept.rstrip() == ("The answer is short. " + sentence * 2).rstrip()
    begun_alike = sentence * 2 + "It is a collection of them all. It is a"
    assert drawn(begun_alike, size) == (begun_alike, False)


def test_a_sentence_without_an_end_is_not_taken_apart_again_with_every_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some scripts have no stops, and an answer in them may be one sentence."""
    read: list[int] = []
    monkeypatch.setattr(module, "split_words", lambda text: read.append(len(text)) or split_words(text))
    repeats = RepetitionDetector()
    pieces = ["It is a collection of documents. " * 2, *(f"word{number} " for number in range(2000))]
    assert "".join(map(repeats.feed, pieces)) + repeats.flush() == "".join(pieces)
    assert max(read) <= module._LATELY and sum(read) < len(pieces) * module._LATELY


@pytest.mark.parametrize("size", [1, 5, 24, 90])
def test_a_sentence_that_does_not_end_is_a_loop_too(size: int) -> None:
    kept, over = drawn("You can choose it, " + "and you can choose to share the collection itself, " * 40, size)
    assert over and 1 <= kept.count("share the collection") <= 4
    kept, over = drawn("The answer is: " * 60, size)
    assert over and kept.count("answer") < 30
    rows = "| 0 | 0 | 0 | 0 " * 40
    assert drawn(rows, size) == (rows, False)


def test_a_piece_is_cut_into_sentences_at_every_end_that_one_pattern_for_all_would_find() -> None:
    plain = re.compile(r".+?(?:[.!?…]+[\"'”’»)\]*_`]*(?:\s+|$)|[。！？]|\n+|$)", re.DOTALL)
    bits = ["a ", "b", "a b c d", "x y z w. ", *".!?…。！？\n\"'”’»)]*_` \t\u2028\r"]
    draw = random.Random(7)
    for _ in range(2_000):
        piece = "".join(draw.choices(bits, k=draw.randint(1, 25)))
        cut: list[str] = []

        class Heard(RepetitionDetector):
            def has_loop(self, piece: str, heard: list[str] = cut) -> bool:
                heard.append(piece)
                return False

        heard = Heard()
        assert heard.feed(piece) == piece
        assert cut + [heard._begun] * bool(heard._begun) == plain.findall(piece)


def circles(said: list[str]) -> bool:
    """As it reads: some turn of phrase, of one to 24 words, fills the last 24 words, three times at least; one of
    letters, the last 32."""
    last = said[-32:]
    if len(last) == 32 and any(map(str.isalpha, last)) and any(last[size:] == last[:-size] for size in range(1, 5)):
        return True
    for size in range(1, min(24, len(said)) + 1):
        times = max(3, -(-24 // size))
        turn = said[-size:]
        if said[-times * size :] == turn * times and any(len(word) > 1 and word.isalpha() for word in turn):
            return True
    return False


def test_a_circle_is_found_in_exactly_those_texts_that_end_in_one() -> None:
    draw, found = random.Random(11), 0
    for _ in range(3_000):
        turn = draw.choices(["tower", "wall", "of", "stone", "0", "a"], k=draw.randint(1, 26))
        said = draw.choices(["tower", "wall", "of"], k=draw.randint(0, 9)) + turn * draw.randint(1, 30)
        if draw.random() < 0.3:
            said[draw.randrange(len(said))] = "sea"
        said = said[draw.randint(0, len(said)) :][-100:]
        wanted = circles(said)
        assert RepetitionDetector._goes_in_circles(" ".join([*said, "and"])) == wanted, said
        found += wanted
    assert 300 < found < 2_700


def test_texts_skipped_by_the_shortcut_have_too_few_words_for_a_loop() -> None:
    draw, short = random.Random(13), 0
    for _ in range(20_000):
        text = "".join(draw.choices(["a", "7", "x1", "-", ".", " ", ":", "_", "/", "1.5"], k=draw.randint(1, 90)))
        if len(text.encode().translate(None, module._IN_WORDS)) < module._APART:
            short += 1
            assert len(split_words(text)) - 1 < 24, text
    assert short > 5_000


@pytest.mark.django_db(transaction=True)
async def test_the_turn_ends_and_says_why(page, library, chat) -> None:
    chat.replies.append("The lighthouse stood about 100 metres high. " * 40)
    answer, events = await page.ask_to_end(QUESTION)
    assert "repeat itself" in events[-1]["reason"]
    assert answer.status == Message.Status.COMPLETE
    assert answer.text.count("100 metres") == 2
    assert not answer.unfinished and not events[-1]["can_continue"], "it can be asked again, and not continued"
