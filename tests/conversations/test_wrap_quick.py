"""What most texts have none of is looked for quickly, and the answer is that of looking closely."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from apps.conversations.rendering import sentence_markers
from apps.conversations.rendering.sentence_markers import certain, counted, numbered, without_hints

PARTS = [
    "word ",
    "Dr. ",
    "9",
    ". ",
    "! ",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "|",
    " [1]",
    "[2, 3]",
    "【4】",
    "[",
    "(",
    "é",
    "。",
    "—",
]
OPENING = ["`", "``", "```\n", "$", "$x$", "$$", "\\(", "\\)", "\\[", "~~~"]
TEXTS = st.lists(st.sampled_from([*PARTS, *OPENING]), max_size=16).map("".join)


def closely(piece: str) -> bool:
    shown = sentence_markers._HINTS.sub("", piece)
    fenced = piece.lstrip(" >\t").startswith(("```", "~~~", "$$", "\\["))
    return any(char.isalnum() for char in shown) and not fenced


@given(TEXTS)
def test_what_is_a_sentence_is_found_quickly_and_the_same(text: str) -> None:
    quick = numbered(text), certain(text)
    with patch.object(sentence_markers, "_may_open", return_value=True):
        assert (numbered(text), certain(text)) == quick
    assert counted(text, (0, len(text))) == closely(text)
    assert without_hints(text) == sentence_markers._HINTS.sub("", text)
