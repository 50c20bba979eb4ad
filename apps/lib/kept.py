"""What is made of a short text again and again, such as of a word, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


LONGEST = 32  # characters of what comes again and again


def short(text: str) -> bool:
    return len(text) <= LONGEST


class Kept(dict[str, T]):
    """`kept[text]` is what `make` makes of the text. It is kept where the text is `worth` it; all goes where that is
    more than `most`, and what is in use is there again soon. For any number of threads."""

    def __init__(self, make: Callable[[str], T], *, worth: Callable[[str], bool] = short, most: int = 32_768) -> None:
        super().__init__()
        self._make, self._worth, self._most = make, worth, most

    def __missing__(self, text: str) -> T:
        found = self._make(text)
        if self._worth(text):
            if len(self) >= self._most:
                self.clear()
            self[text] = found
        return found
