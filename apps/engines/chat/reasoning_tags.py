"""Parser that separates a model's reasoning, `<think>…</think>` at the beginning, from the text of its answer."""

from __future__ import annotations

OPENS, CLOSES = "<think>", "</think>"


class ReasoningTagParser:
    """Incremental parser of reasoning tags; text may be split anywhere. `begun`: the reasoning has no opening tag,
    since the prompt template wrote it."""

    def __init__(self, *, begun: bool = False) -> None:
        self._state = "inside" if begun else "before"
        self._held = ""

    @property
    def over(self) -> bool:
        """True once all further text belongs to the answer."""
        return self._state == "after"

    def feed(self, text: str) -> tuple[str, str]:
        """Return (answer, reasoning) that are certain after `text`. The beginning of a possible tag is held back."""
        if self._state == "after":
            return text, ""
        held, self._held = self._held + text, ""
        if self._state == "before":
            start = held.lstrip()
            if not start or (OPENS.startswith(start) and len(start) < len(OPENS)):
                self._held = held
                return "", ""
            if not start.startswith(OPENS):
                self._state = "after"
                return held, ""
            self._state, held = "inside", start[len(OPENS) :]
        return self._inside(held) if self._state == "inside" else self._between(held)

    def finish(self) -> tuple[str, str]:
        """Return (answer, reasoning) that was held back at the end of the stream."""
        held, self._held = self._held, ""
        return ("", held) if self._state == "inside" else ("" if self._state == "between" else held, "")

    def _inside(self, held: str) -> tuple[str, str]:
        thought, closed, rest = held.partition(CLOSES)
        if not closed:
            kept = next((size for size in range(len(CLOSES) - 1, 0, -1) if held.endswith(CLOSES[:size])), 0)
            self._held = held[len(held) - kept :]
            return "", held[: len(held) - kept]
        self._state = "between"
        return self._between(rest)[0], thought

    def _between(self, held: str) -> tuple[str, str]:
        """Drop white space before the first word of the answer."""
        text = held.lstrip()
        if text:
            self._state = "after"
        return text, ""
