"""What most texts have none of is looked for quickly, and the answer is that of looking closely."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from apps.conversations.rendering import sentence_markers
from apps.conversations.rendering.sentence_markers import find_sentences, get_stable_length, is_numbered_sentence
from apps.grounding import model_citations
from apps.grounding.model_citations import strip_model_citations

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
    shown = model_citations._HINTS.sub("", piece)
    fenced = piece.lstrip(" >\t").startswith(("```", "~~~", "$$", "\\["))
    return any(char.isalnum() for char in shown) and not fenced


@given(TEXTS)
def test_sentence_shortcuts_give_the_results_of_the_full_scan(text: str) -> None:
    quick = find_sentences(text), get_stable_length(text)
    with patch.object(sentence_markers, "_may_open", return_value=True):
        assert (find_sentences(text), get_stable_length(text)) == quick
    assert is_numbered_sentence(text, (0, len(text))) == closely(text)
    assert strip_model_citations(text) == model_citations._HINTS.sub("", text)
