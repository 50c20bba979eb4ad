"""Files of chats of other programs become conversations of here; what is broken or hostile is refused in words."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from apps.conversations.transfer.formats import reader
from apps.conversations.transfer.formats.common import MAX_MESSAGES
from apps.conversations.transfer.formats.message_tree import MISSING_QUESTION
from apps.reading.parsing.protocol import ParseError
from tests.conversations.transfer.foreign_exports import chatgpt, claude, librechat, node, open_webui, roll_back, spoken


def read(path: Path, data: Any) -> list[dict[str, Any]]:
    """What the child says of the file, without the count that comes first."""
    path = path / "chats.json"
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    total, *found = reader.read(str(path), {})
    assert total == {"total": len(found)}
    return found


def rows(item: dict[str, Any]) -> list[tuple[int | None, str, str]]:
    return [(row["parent"], row["role"], row["text"]) for row in item["chat"]["rows"]]


def why(item: dict[str, Any]) -> str:
    return str(item["skipped"]["why"])


def test_chatgpt(tmp_path: Path) -> None:
    (item,) = read(tmp_path, [roll_back()])
    assert rows(item) == [
        (None, "user", "How do I roll back?"),
        (0, "assistant", "Let me look.\n\nRun `helm rollback`."),
        (1, "user", "What is this?"),
        (2, "assistant", "A chart."),
        (0, "assistant", "Ask somebody."),
    ]
    chat = item["chat"]
    assert (chat["source"], chat["title"], chat["left"]) == ("ChatGPT", "Staging", {"picture or file": 1})
    assert {row["text"] for row in chat["rows"] if row["on"]} == {
        "How do I roll back?", "Let me look.\n\nRun `helm rollback`.", "What is this?", "A chart.",
    }  # fmt: skip
    assert {row["model"] for row in chat["rows"] if row["role"] == "assistant"} == {"gpt-5"}


def test_claude(tmp_path: Path) -> None:
    """Words of a paste are a part of what was asked; thoughts, calls of tools and their stand-ins are none of what was
    answered."""
    (item,) = read(tmp_path, [claude()])
    begun = [
        (None, "user", "When does it end?\n\nlease.txt:\nThe lease ends in May."),
        (0, "assistant", "Let me look.\n\nRenew it in May."),
    ]  # fmt: skip
    assert rows(item)[:2] == begun
    assert rows(item)[2:] == [
        (1, "user", "And who signs?"), (2, "assistant", "Ann does."), (1, "user", "Who pays?"),
        (4, "assistant", "Bob does."),
    ]  # fmt: skip
    chat = item["chat"]
    assert (chat["source"], chat["title"], chat["left"]) == ("Claude", "Lease", {"picture or file": 1})
    assert chat["rows"][5]["on"] and not chat["rows"][3]["on"] and chat["at"] == 1_740_821_400
    (older, torn) = read(tmp_path, [claude(parents=False), {"name": "Torn", "chat_messages": [claude(), None]}])
    assert rows(older)[:2] == begun and rows(older)[3] == (2, "assistant", "Ann does.")
    assert torn["skipped"]["title"] == "Torn"


def test_open_webui_without_the_thoughts(tmp_path: Path) -> None:
    (item,) = read(tmp_path, [open_webui()])
    assert rows(item) == [(None, "user", "What is 15 times 17?"), (0, "assistant", "255")]
    assert item["chat"]["pinned"] and item["chat"]["at"] == 1_700_000_000


@pytest.mark.parametrize("nested", [False, True])
def test_librechat(tmp_path: Path, nested: bool) -> None:
    (item,) = read(tmp_path, librechat(nested=nested))
    assert rows(item) == [
        (None, "user", "Tell me a story"), (0, "assistant", "Once."), (0, "assistant", "Twice upon a time"),
    ]  # fmt: skip
    assert [row["status"] for row in item["chat"]["rows"]] == ["complete", "complete", "stopped"]


def test_the_zip_in_which_it_came(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("user.json", '{"email": "x"}')
        archive.writestr("conversations.json", json.dumps([roll_back()]))
        archive.writestr("chat.html", "<script>alert(1)</script>")
    (item,) = read(tmp_path, file.getvalue())
    assert item["chat"]["title"] == "Staging"


def test_messages_of_one_role_in_a_row_are_joined_also_at_a_fork(tmp_path: Path) -> None:
    """u1 → a1 → a2, a1 → a3 and a1 → u2: every branch says all that was said on it."""
    (item,) = read(tmp_path, [chatgpt(
        node("u0", "root", "user", "Are you there?"), node("u1", "u0", "user", "Hello?"),
        node("a1", "u1", "assistant", "one"), node("a2", "a1", "assistant", "two"),
        node("a3", "a1", "assistant", "three"), node("u2", "a1", "user", "and?"),
    )])  # fmt: skip
    assert sorted(rows(item), key=lambda row: (row[1], row[2])) == [
        (0, "assistant", "one"),
        (0, "assistant", "one\n\nthree"),
        (0, "assistant", "one\n\ntwo"),
        (None, "user", "Are you there?\n\nHello?"),
        (item["chat"]["rows"].index(next(r for r in item["chat"]["rows"] if r["text"] == "one")), "user", "and?"),
    ]


def test_a_greeting_gets_a_place(tmp_path: Path) -> None:
    (item,) = read(tmp_path, [chatgpt(node("a", "root", "assistant", "Welcome"))])
    assert rows(item) == [(None, "user", MISSING_QUESTION), (0, "assistant", "Welcome")]


def test_broken_chat_in_an_export_costs_no_other(tmp_path: Path) -> None:
    circle = [node("x", "y", "user", "1"), node("y", "x", "assistant", "2")]
    found = read(tmp_path, [
        chatgpt(node("u", "root", "user", "Fine?")),
        {"title": "Corrupted entry", "id": "c"}, 7, None, [],
        chatgpt(node("u", "gone", "user", "?"), title="Dangling"),
        chatgpt(*circle, title="Circle"),
        chatgpt(title="Empty"),
        chatgpt(node("u", "root", "user", "x" * 400_001), title="Long"),
        {"mapping": {"a": "text"}, "title": "No node"},
        {"mapping": {"a": {"parent": {"x": 1}}}, "title": "Odd parent"},
    ])  # fmt: skip
    assert [list(item) for item in found] == [["chat"], *[["skipped"]] * 10]
    assert [words for item in found[5:] for words in [why(item)]] == [
        "One of its messages follows a message that is not in the file.",
        "Its messages refer to each other in a circle.",
        "It contains no question and no answer.",
        "One of its messages has 400,001 characters; at most 400,000 can be imported.",
        "One of its messages is empty.",
        "One of its messages has no ID.",
    ]
    assert found[1]["skipped"]["title"] == "Corrupted entry"


@pytest.mark.parametrize("value", ["x", [], {}, 1e400, -5, True, None, "2024-13-40", 1e300, {"$date": 1}])
def test_odd_values_of_every_field(tmp_path: Path, value: Any) -> None:
    odd = chatgpt(node("u", "root", "user", "Hi", create_time=value, metadata=value, author={"role": "user"}),
                  title=value, current_node=value, is_archived=value, create_time=value)  # fmt: skip
    (item, *_) = read(
        tmp_path,
        [
            odd,
            open_webui(title=value, created_at=value),
            librechat() | {"title": value},
            claude(name=value, created_at=value, is_starred=value),
        ],
    )
    assert rows(item) == [(None, "user", "Hi")]


def test_deep_chains_and_growing_ones(tmp_path: Path) -> None:
    chain = [spoken(f"m{n}", f"m{n - 1}" if n else "", f"line {n}", asked=n % 2 == 0) for n in range(MAX_MESSAGES)]
    (item,) = read(tmp_path, librechat() | {"messages": chain})
    assert len(item["chat"]["rows"]) == MAX_MESSAGES
    chain.append(spoken("more", "m0", "x", asked=False))
    (item,) = read(tmp_path, librechat() | {"messages": chain})
    assert "at most 10,000" in why(item)
    # Each of many forks repeats a long beginning: a small file must not become a large conversation.
    begun = node("a", "u", "assistant", "x" * 300_000)
    forks = [node(f"f{n}", "a", "assistant", "y") for n in range(2_000)]
    (item,) = read(tmp_path, [chatgpt(node("u", "root", "user", "?"), begun, *forks)])
    assert "too long to import" in why(item)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x01", b"{", b'{"a": 1}', b"[]", b"<html>", b'"x"', b"[" * 100_000, b'{"a":' * 5_000, b"PK\x03\x04junk",
     b'{"format": "openbook-conversation/2", "messages": []}', b'{"mapping": []}'],
)  # fmt: skip
def test_file_that_is_no_export_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises((ParseError, RecursionError)):  # the child says what the latter means
        read(tmp_path, data)


def test_halves_of_characters_and_hidden_ones_are_gone(tmp_path: Path) -> None:
    said = json.dumps([chatgpt(node("u", "root", "user", "a\\u0000b"))]).replace("\\\\u0000", "\\ud800\\u202e\\u0000")
    (item,) = read(tmp_path, b"\xef\xbb\xbf" + said.encode())
    assert rows(item) == [(None, "user", "ab")]


def test_a_bomb_is_not_opened(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b" " * 50_000_000)
    with pytest.raises(ParseError, match="Unpack it"):
        read(tmp_path, file.getvalue())
