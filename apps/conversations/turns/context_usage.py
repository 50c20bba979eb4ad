"""Measure how a turn's request fills the model's context window, by part. Entry points: `measure_usage`,
`render_gauge`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy, ngettext

from apps.conversations.core.numbered_sources import NumberedPassage
from apps.conversations.core.turn_input import PastExchange
from apps.conversations.evidence.source_numbering import format_passage_line, format_prompted_line
from apps.conversations.models import Message
from apps.conversations.turns import prompt

_WORDS = {
    "instructions": gettext_lazy("Rules and instructions"), "tools": gettext_lazy("Available tools"),
    "history": gettext_lazy("Earlier questions and answers"), "sources": gettext_lazy("Passages from documents"),
    "question": gettext_lazy("This question"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """Tokens of a request by part, for a window of `size` tokens. `dropped` counts earlier turns that did not fit."""

    size: int
    instructions: int
    tools: int
    history: int
    sources: int
    question: int
    dropped: int

    @property
    def used(self) -> int:
        """Return the tokens of all parts."""
        return self.instructions + self.tools + self.history + self.sources + self.question


def measure_usage(
    built: prompt.Prompt, history: Sequence[PastExchange], passages: Sequence[NumberedPassage], size: int, tools: int,
    count: Callable[[Sequence[str]], list[int]],
) -> ContextUsage:  # fmt: skip
    """Return the tokens that each part of the laid-out request takes.

    `size` is the context window and `tools` the cost of tool descriptions, both in tokens. `count` returns the tokens
    of each text.
    """
    repeated = history[built.start :]
    first, *rest = [message.content for message in built.messages]
    spoken = 2 * len(repeated)
    given = sum(count([format_prompted_line(item) for past in repeated for item in past.sources]))
    fresh = sum(count([format_passage_line(item) for item in passages if item.new_spans]))
    before, now = sum(count(rest[:spoken])), sum(count(rest[spoken:]))
    return ContextUsage(
        size, count([first])[0], tools, max(0, before - given), given + fresh, max(0, now - fresh), built.start
    )


def read_usage(answer: Message) -> ContextUsage | None:
    """Return the usage that was stored with the answer; None if none was."""
    record = answer.usage.get("window")
    return ContextUsage(**record) if record else None


def describe_dropped(dropped: int) -> str:
    """Return the words for "the first n questions no longer fit the context window"."""
    return ngettext(
        "The first question of this conversation no longer fits into the model's context and was left out",
        "The first %(n)s questions of this conversation no longer fit into the model's context and were left out",
        dropped,
    ) % {"n": dropped}


def describe_usage(usage: ContextUsage | None) -> dict[str, Any] | None:
    """Return the template context of the gauge: percent of the window and labelled rows; None without usage."""
    if usage is None:
        return None
    return {
        "percent": min(100, round(100 * usage.used / usage.size)), "used": usage.used,
        "size": usage.size,
        "rows": [(words, getattr(usage, name)) for name, words in _WORDS.items() if getattr(usage, name)],
        "dropped": f"{describe_dropped(usage.dropped)}." if usage.dropped else "",
    }  # fmt: skip


def render_gauge(usage: ContextUsage) -> str:
    """Return the HTML of the context gauge in the composer."""
    return render_to_string("conversations/composer/_context_usage.html", {"window": describe_usage(usage)})
