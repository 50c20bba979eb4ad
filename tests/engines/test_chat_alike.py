"""An event that differs from the one before it in its words alone is read as parsing all of it would read it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.engines.chat import wire
from apps.engines.chat.alike import Alike
from apps.engines.chat.sse import EventReader
from tests.engines.wire_server import event

Said = list[tuple[str, str, Any]]


class Never(Alike):
    """Every event is taken apart."""

    def learn(self, *_: Any) -> None:
        pass


def read(events: list[bytes], alike: Alike) -> tuple[Said, str, Any]:
    """What each event adds, how all of it ended, and what was wrong with it."""
    answer = wire.Answer(_alike=alike)
    found, wrong = [], None
    for data in events:
        delta, error = answer.added([data])
        if delta is not None:
            found.append((delta.text, delta.thought, delta.logprobs))
        if error is not None:
            wrong = type(error)
            break
    return found, f"{answer.reason} {answer.size} {answer.usage} {answer.calls}", wrong


def chunk(delta: Any, **more: Any) -> bytes:
    return orjson.dumps({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None} | more]})


TEXTS = st.text(max_size=8) | st.sampled_from(['"', "\\", '"content":"x"', "?", "\u2028", "😀"])
PLAIN = TEXTS.map(lambda text: chunk({"content": text}))
OTHERS = st.one_of(
    TEXTS.map(lambda text: chunk({"role": "assistant", "content": text})),
    TEXTS.map(lambda text: chunk({"reasoning": text})),
    TEXTS.map(lambda text: chunk({"content": text}, logprobs={"content": [{"token": text, "logprob": -1}]})),
    TEXTS.map(lambda text: chunk({"content": text}, finish_reason="length")),
    TEXTS.map(lambda text: chunk({"note": '"content":"a"', "content": text})),
    TEXTS.map(lambda text: event(text, usage={"prompt_tokens": 3})[6:].strip()),
    TEXTS.map(lambda text: b'{"content": "no", "choices": [ {"delta": {"content" : %b}} ] }' % orjson.dumps(text)),
    st.sampled_from([
        chunk({"content": None}), chunk({"content": 3}), chunk({}), b"{", b'{"choices": []}', b"[DONE]",
        b'{"error": {"code": 503}}', chunk({"content": "a"})[:-3],
        b'{"id":"c","choices":[{"index":0,"delta":{"content":"a","content":"b"},"finish_reason":null}]}',
    ]),
)  # fmt: skip


@given(events=st.lists(PLAIN | PLAIN | OTHERS, max_size=12))
def test_what_is_read_is_what_parsing_says(events: list[bytes]) -> None:
    assert read(events, Alike()) == read(events, Never())


@given(text=TEXTS, cut=st.integers(0, 80), put=st.binary(max_size=4))
def test_nor_is_anything_else_of_an_event_that_only_looks_alike(text: str, cut: int, put: bytes) -> None:
    like = chunk({"content": text})
    events = [chunk({"content": "first"}), like[:cut] + put + like[cut:]]
    assert read(events, Alike()) == read(events, Never())


def read_in_chunks(chunks: list[bytes], alike: Alike) -> tuple[str, str, Any]:
    """All that the chunks of a body add, how it ended, and what was wrong with it."""
    answer, events = wire.Answer(_alike=alike), EventReader()
    found, thought, wrong = "", "", None
    for chunk in chunks:
        delta, error = answer.took(events, chunk)
        if delta is not None:
            found, thought = found + delta.text, thought + delta.thought
        if error is not None:
            wrong = type(error)
            break
    return f"{found}|{thought}", f"{answer.reason} {answer.size} {answer.usage} {answer.calls} {answer.done}", wrong


ENDS = st.sampled_from([b"\n\n", b"\n\n", b"\n\n", b"\n", b"\r\n\r\n", b"\n\n: ping\n\n"])


@given(
    events=st.lists(st.tuples(PLAIN | PLAIN | PLAIN | OTHERS, ENDS), max_size=12),
    cuts=st.lists(st.integers(0, 1200), max_size=6),
    whole=st.booleans(),
)
def test_whole_chunks_of_them_are_read_at_once_and_the_same(
    events: list[tuple[bytes, bytes]], cuts: list[int], whole: bool
) -> None:
    parts = [b"data: %b%b" % event for event in events]
    body = b"".join(parts)
    edges = sorted({0, *(min(cut, len(body)) for cut in cuts), len(body)})
    chunks = [body[start:end] for start, end in pairwise(edges)]
    chunks = [b"".join(parts[:1]), b"".join(parts[1:4]), b"".join(parts[4:])] if whole else chunks
    assert read_in_chunks(chunks, Alike()) == read_in_chunks(chunks, Never())


def test_a_place_that_holds_the_same_words_is_not_taken_for_theirs() -> None:
    events = [
        b'{"content":%b,"choices":[{"delta":{"content":"?"},"finish_reason":null}]}' % text
        for text in (b'"?"', b'"How are you?"')
    ]
    assert read(events, Alike()) == read(events, Never()) and read(events, Never())[0][1][0] == "?"


@pytest.mark.parametrize("inner", ['"one%s","two"', '"one",\n"two"%s"three","four"', '"one"\n,"two"', '\n"one"'])
def test_what_is_no_event_is_not_made_one_by_its_neighbours(inner: str) -> None:
    """A text that holds what stands between two events, or a line break within one."""
    first = b"data: %b\n\n" % chunk({"content": "first"})
    opens, _, closes = first.partition(b'"first"')
    body = opens + inner.encode().replace(b"%s", closes + opens) + closes
    assert read_in_chunks([first, body], Alike()) == read_in_chunks([first, body], Never())
    assert read_in_chunks([first, body], Never())[2] is not None


def stamped(text: Any, created: str) -> bytes:
    return b'{"id":"c","created":%b,"choices":[{"index":0,"delta":{"content":%b},"finish_reason":null}]}' % (
        created.encode(),
        orjson.dumps(text),
    )


STAMPS = st.sampled_from(["1", "1", "1764000000", "1764000001", "0", "007", "1.5", "-3", "12345678901234567890", '"1"'])
STAMPED = st.builds(stamped, TEXTS | st.sampled_from(['"created":5', '\\"created":', ',"created":1']), STAMPS)


@given(
    events=st.lists(STAMPED | STAMPED | OTHERS, max_size=12),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12),
    cut=st.integers(0, 120),
)
def test_events_with_the_second_in_which_they_were_made_are_read_as_parsing_says(
    events: list[bytes], sizes: list[int], cut: int
) -> None:
    parts, chunks = [b"data: %b\n\n" % event for event in events], []
    for size in sizes:
        chunks.append(b"".join(parts[:size]))
        del parts[:size]
    chunks += [b"".join(parts)[:cut], b"".join(parts)[cut:]]
    assert read_in_chunks(chunks, Alike()) == read_in_chunks(chunks, Never())


def test_another_second_takes_no_other_look() -> None:
    alike = Alike()
    answer, events = wire.Answer(_alike=alike), EventReader()
    answer.took(events, b"data: %b\n\n" % stamped("first", "1764000000"))
    for seconds in (["1764000000", "1764000001"], ["1764000001"], ["1764000002", "1764000003"], ["1764000003"]):
        chunk = b"".join(b"data: %b\n\n" % stamped(f"word{second} ", second) for second in seconds)
        assert alike.texts(chunk) == [f"word{second} " for second in seconds]
    assert alike.text(stamped("next", "1764000003")) == "next"


def test_a_chunk_of_words_takes_one_look() -> None:
    alike = Alike()
    answer, events = wire.Answer(_alike=alike), EventReader()
    words = [b"data: %b\n\n" % chunk({"content": f"word{number} "}) for number in range(5)]
    answer.took(events, words[0])
    assert alike.texts(b"".join(words)) == [f"word{number} " for number in range(5)]
    two = words[0].replace(b'"word0 "', b'"word0 ","word0 "')
    for broken in (
        two,
        two + words[0],
        words[0].replace(b'"word0 "', b"0"),
        words[0][:-1],
        words[0] + words[1][:-2],
        words[0][1:],
        b"",
    ):
        assert alike.texts(broken) is None


def test_words_are_read_without_the_rest_of_their_event(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    loads = wire.orjson.loads
    events = [chunk({"content": f"word{number} "}) for number in range(50)]

    class Counting:
        dumps = staticmethod(orjson.dumps)

        @staticmethod
        def loads(data: bytes) -> Any:
            seen.append(data)
            return loads(data)

    monkeypatch.setattr(wire, "orjson", Counting)
    found, _, _ = read(events, Alike())
    assert "".join(text for text, _, _ in found) == "".join(f"word{number} " for number in range(50))
    assert len(seen) == 1


def test_a_server_whose_events_are_never_alike_is_not_learned_from_again_and_again() -> None:
    alike = Alike()
    answer = wire.Answer(_alike=alike)
    for number in range(20):
        answer.added([orjson.dumps({"salt": number, "choices": [{"delta": {"content": "a"}}]})])
    assert alike._tries == 0 and answer.size == 20
