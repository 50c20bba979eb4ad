"""Parser that separates a model's reasoning, `<think>…</think>` at the beginning, from the text of its answer."""

from __future__ import annotations

OPENS, CLOSES = "<think>", "</think>"


class ReasoningTagParser:
    """Incremental parser of reasoning tags; text may be split anywhere. `started`: the reasoning has no opening tag,
    since the prompt template wrote it."""

    def __init__(self, *, started: bool = False) -> None:
        self._state = "inside" if started else "before"
        self._pending = ""

    @property
    def over(self) -> bool:
        """True once all further text belongs to the answer."""
        return self._state == "after"

    def feed(self, text: str) -> tuple[str, str]:
        """Return (answer, reasoning) that are certain after `text`. The beginning of a possible tag is held back."""
        if self._state == "after":
            return text, ""
        pending, self._pending = self._pending + text, ""
        if self._state == "before":
            start = pending.lstrip()
            if not start or (OPENS.startswith(start) and len(start) < len(OPENS)):
                self._pending = pending
                return "", ""
            if not start.startswith(OPENS):
                self._state = "after"
                return pending, ""
            self._state, pending = "inside", start[len(OPENS) :]
        return self._inside(pending) if self._state == "inside" else self._between(pending)

    def finish(self) -> tuple[str, str]:
        """Return (answer, reasoning) that was held back at the end of the stream."""
        pending, self._pending = self._pending, ""
        return ("", pending) if self._state == "inside" else ("" if self._state == "between" else pending, "")

    def _inside(self, pending: str) -> tuple[str, str]:
        reasoning, closed, rest = pending.partition(CLOSES)
        if not closed:
            tag_size = next((size for size in range(len(CLOSES) - 1, 0, -1) if pending.endswith(CLOSES[:size])), 0)
            self._pending = pending[len(pending) - tag_size :]
            return "", pending[: len(pending) - tag_size]
        self._state = "between"
        return self._between(rest)[0], reasoning

    def _between(self, pending: str) -> tuple[str, str]:
        """Drop white space before the first word of the answer."""
        text = pending.lstrip()
        if text:
            self._state = "after"
        return text, ""
