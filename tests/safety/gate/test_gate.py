"""The gate: clear words for what cannot be asked, nothing shown unjudged, phrases caught wherever they are cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from itertools import pairwise

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from apps.safety.gate import gate
from apps.safety.gate.gate import Withheld, check_passage, check_question, check_sentence, moderate_stream
from apps.safety.gate.streaming import FIRST_WAIT_S, MAX_CHARACTERS, SILENCE_S, WINDOW_WORDS, split_stream
from apps.safety.policy.verdicts import ALLOWED, CheckUnavailable, Verdict

FORBIDDEN = "the purple elephant password"  # what the check of these tests withholds: no hostile text is needed


class Strict:
    """Withholds one harmless phrase, and notes what it was shown."""

    seen: list[tuple[str, int]] = []

    async def question(self, text: str, vector: object = None) -> Verdict:
        return Verdict(FORBIDDEN not in text, "phrase", "No.")

    async def sentence(self, text: str, since: int) -> Verdict:
        self.seen.append((text, since))
        return Verdict(FORBIDDEN not in " ".join(text.split()), "phrase", "No.")

    def passage(self, text: str) -> Verdict:
        return Verdict(FORBIDDEN not in text, "phrase", "No.")

    def suspects(self, texts: Sequence[str]) -> list[list[str]]:
        return [[] for _ in texts]

    def passages(self, texts: Sequence[str], vectors: object, suspects: object = None) -> list[Verdict]:
        return [self.passage(text) for text in texts]


class Away(Strict):
    async def question(self, text: str, vector: object = None) -> Verdict:
        raise CheckUnavailable

    async def sentence(self, text: str, since: int) -> Verdict:
        raise CheckUnavailable

    def passage(self, text: str) -> Verdict:
        raise CheckUnavailable

    def passages(self, texts: Sequence[str], vectors: object, suspects: object = None) -> list[Verdict]:
        raise CheckUnavailable


@pytest.fixture
def strict(settings: LazySettings) -> None:
    Strict.seen = []
    settings.SAFETY_CHECK = f"{__name__}.Strict"


@pytest.fixture
def away(settings: LazySettings) -> None:
    settings.SAFETY_CHECK = f"{__name__}.Away"


async def said(pieces: Iterable[str | float]) -> AsyncIterator[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        await asyncio.sleep(0 if isinstance(piece, str) else piece)


async def shown(pieces: Iterable[str | float]) -> list[str]:
    async with aclosing(moderate_stream(said(pieces))) as stream:  # type: ignore[type-var]
        return [piece async for piece in stream]


async def refused(pieces: Iterable[str | float]) -> str:
    """What was shown before the rest was withheld."""
    got: list[str] = []
    with pytest.raises(Withheld) as caught:
        async with aclosing(moderate_stream(said(pieces))) as stream:  # type: ignore[type-var]
            async for piece in stream:
                got.append(piece)
    assert caught.value.verdict.code == "phrase"
    return "".join(got)


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        ("", "empty", "Write a question"),
        (" \n\u200b", "empty", "Write a question"),
        ("a" * 100_000, "too_long", "20,000 characters"),
        ("what\x00is this", "control_characters", "control characters"),
    ],
)
async def test_forbidden_question_is_refused_in_clear_words(text: str, rule: str, words: str) -> None:
    verdict = await check_question(text)
    assert (verdict.allowed, verdict.code) == (False, rule)
    assert words in verdict.message


async def test_a_question_is_judged_without_its_disguise(strict: None) -> None:
    assert not (await check_question("the pur\u200bple eleph\u00adant ｐａｓｓｗｏｒｄ")).allowed
    assert (await check_question("a question of any other kind")).allowed


async def test_a_check_that_is_away_lets_nothing_through(away: None) -> None:
    assert (await check_question("hello")).code == "check_unavailable"
    assert (await check_sentence("hello.")).code == "check_unavailable"
    assert check_passage("hello").code == "unchecked"
    with pytest.raises(Withheld):
        await shown(["hello."])


async def test_sentence_is_shown_as_soon_as_its_stop_is_there(strict: None) -> None:
    first, *rest = await shown(["Tea ", "is ", "warm.", 0.05, " It is ", "green [1]. ", "Good", "!"])
    assert first == "Tea is warm."
    assert "".join([first, *rest]) == "Tea is warm. It is green [1]. Good!"


async def test_a_long_sentence_is_shown_in_windows_of_words(strict: None) -> None:
    pieces = await shown([f"word{n} " for n in range(3 * WINDOW_WORDS)])
    assert "".join(pieces) == "".join(f"word{n} " for n in range(3 * WINDOW_WORDS))
    assert max(len(piece.split()) for piece in pieces) == WINDOW_WORDS


async def test_a_slow_sentence_is_shown_after_the_wait_up_to_a_whole_word(strict: None) -> None:
    began = time.monotonic()
    async with aclosing(moderate_stream(said(["Slowly comes a wor", 60.0, "d."]))) as stream:  # type: ignore[type-var]
        async for piece in stream:
            assert piece == "Slowly comes a "
            break
    assert FIRST_WAIT_S <= time.monotonic() - began < 50


async def test_text_after_the_beginning_is_held_back_until_the_model_is_silent(strict: None) -> None:
    began = time.monotonic()
    async with aclosing(moderate_stream(said(["It is so. ", "Slowly comes a wor", 60.0, "d."]))) as stream:  # type: ignore[type-var]
        assert [await anext(stream), await anext(stream)] == ["It is so. ", "Slowly comes a "]
    assert SILENCE_S <= time.monotonic() - began < 50


async def test_a_sentence_that_takes_a_second_is_judged_once(strict: None) -> None:
    words = [word for _ in range(3) for word in ("Tea ", 0.2, "is ", 0.2, "warm ", 0.2, "and ", 0.2, "good. ")]
    await shown(["Well. ", *words])
    assert [text[since:] for text, since in Strict.seen] == ["Well. ", *["Tea is warm and good. "] * 3]


class Clock:
    """The loop, with a time that only the test moves, and timers that never come."""

    def __init__(self) -> None:
        self.now = 1.0
        self._loop = asyncio.get_running_loop()
        self.create_future = self._loop.create_future

    def time(self) -> float:
        return self.now

    def call_at(self, *_: object) -> asyncio.Handle:
        return self._loop.call_soon(lambda: None)


async def test_due_window_ends_with_the_last_word_that_came_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("apps.safety.gate.streaming.asyncio.get_running_loop", lambda: clock)

    async def evenly() -> AsyncIterator[str]:
        for number in range(40):
            yield f"word{number} "
            for _ in range(10):  # whoever takes them has the time to
                await asyncio.sleep(0)
            clock.now += 0.125

    async with aclosing(split_stream(evenly())) as found:  # type: ignore[type-var]
        sizes = [len(window.text[window.since :].split()) async for window in found]
    assert max(sizes) == 10  # the eleventh would come 1,250 ms after the first
    assert sizes[0] == 2


async def test_backlog_of_sentences_takes_fewer_verdicts() -> None:
    pieces = [f"Sentence number {n} is here. " for n in range(200)]
    async with aclosing(split_stream(said(pieces))) as found:  # type: ignore[type-var]
        taken = [await anext(found)]
        for _ in range(1000):  # as long as a verdict may take
            await asyncio.sleep(0)
        taken += [window async for window in found]
    assert "".join(window.text[window.since :] for window in taken) == "".join(pieces)
    assert max(len(window.text) - window.since for window in taken) <= MAX_CHARACTERS
    assert len(taken) < 20


async def test_text_is_not_shown_before_its_window_has_a_verdict(strict: None) -> None:
    text = ""
    async for piece in moderate_stream(said(["One sentence. ", "And another one, ", "longer. ", "End"])):
        text += piece
        judged, since = Strict.seen[-1]
        assert judged[since:] == piece
        assert text.endswith(judged)


async def test_text_before_a_stream_error_is_shown_and_then_the_error_comes(strict: None) -> None:
    async def breaks() -> AsyncIterator[str]:
        yield "Half a"
        yield " sentence"
        raise RuntimeError("gone")

    got: list[str] = []
    with pytest.raises(RuntimeError, match="gone"):
        async for piece in moderate_stream(breaks()):
            got.append(piece)
    assert "".join(got) == "Half a sentence"


@pytest.mark.parametrize("ends", ["closed", "withheld"])
async def test_the_model_is_stopped_when_the_gate_closes(strict: None, ends: str) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "Fine. " if ends == "closed" else f"{FORBIDDEN}. "
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    if ends == "withheld":
        with pytest.raises(Withheld):
            async for _ in moderate_stream(endless()):
                pass
    else:
        async with aclosing(moderate_stream(endless())) as stream:  # type: ignore[type-var]
            async for _ in stream:
                break
    assert closed.is_set()


@pytest.mark.parametrize("offset", range(len(FORBIDDEN)))
async def test_a_phrase_is_caught_wherever_it_is_cut(
    strict: None, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.safety.gate.streaming.WAIT_S", 0.02)
    monkeypatch.setattr("apps.safety.gate.streaming.FIRST_WAIT_S", 0.02)
    text = f"It is said that {FORBIDDEN} opens it. And so on."
    at = text.index(FORBIDDEN) + offset
    before = await refused([text[:at], 0.04, text[at:]])
    assert FORBIDDEN not in before


@given(cuts=st.lists(st.integers(1, 70), max_size=12), lead=st.integers(0, 40))
def test_a_phrase_is_caught_in_pieces_of_any_size(cuts: list[int], lead: int) -> None:
    text = "word " * lead + f"and then {FORBIDDEN}, they said. More follows here."
    edges = sorted({0, *(cut * len(text) // 70 for cut in cuts), len(text)})
    pieces = [text[start:end] for start, end in pairwise(edges)]
    patched = pytest.MonkeyPatch()
    patched.setattr(gate, "_check", Strict)
    try:
        assert FORBIDDEN not in asyncio.run(refused(pieces))
    finally:
        patched.undo()


@given(st.lists(st.text(alphabet="ab .\n!?1。語", max_size=6), max_size=40))
def test_harmless_text_arrives_whole(pieces: list[str]) -> None:
    assert "".join(asyncio.run(shown(pieces))) == "".join(pieces)


async def test_the_gate_costs_little(strict: None) -> None:
    pieces = [f"word{n} " if n % 12 else f"word{n}. " for n in range(1, 2400)]
    began = time.thread_time()
    await shown(pieces)
    per_sentence = (time.thread_time() - began) / 200
    assert per_sentence < 0.003  # about 0.3 ms when nothing else runs


def test_an_allowed_verdict_has_no_words() -> None:
    assert Verdict(True, "", "") == ALLOWED
