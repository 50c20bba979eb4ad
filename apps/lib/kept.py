"""What is made of a short text again and again, such as of a word, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Kept(dict[str, T]):
    """`kept[text]` is what `make` makes of the text. Of texts up to `longest` characters it is kept; all goes where
    these are more than `most`, and what is in use is there again soon. For any number of threads."""

    def __init__(self, make: Callable[[str], T], *, most: int = 32_768, longest: int = 32) -> None:
        super().__init__()
        self._make, self._most, self._longest = make, most, longest

    def __missing__(self, text: str) -> T:
        found = self._make(text)
        if len(text) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[text] = found
        return found
