"""The beginning of a growing paragraph that no later word can change: rendered once, however long the paragraph grows.

Only of a paragraph on one line, and only up to the border of a word some way before its end: what lies before it holds
no sign that what follows could answer (an open emphasis, a bracket, a backslash …), and all its stops have their next
word, so both halves may be rendered apart. The rest stands behind a guard, a letter and a space, so that no rule takes
its first word for the first of a line. Where the border cuts a sentence, the halves of its span are joined again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from apps.conversations.wrap import SENTENCE, SLOT, ZERO, certain, counted, numbered, without_hints
from apps.lib.sentences import Span

GUARD = "a "
_KEPT, _LEAST = 100, 60  # characters that are rendered anew every time, and that are worth to be settled
_TRIES = 8  # words among which one is looked for that begins plainly
_SIGNS = r"[]*_`~!$\<&"
_OPEN, _CLOSE, _END = "<p>", "</p>\n", "</span>"
_CODE = "</code></span>"  # a piece of its own within its sentence
# Emphasis and code that begin and end here, and hold nothing else that means something.
_WHOLE = re.compile(r"(?<![\w*])\*\*(?=[^\s*])[^*_`~$\\<&\[\]\n]+(?<=\S)\*\*(?![\w*])|(?<!`)`[^`$\\<&\[\]\n]+`(?!`)")
_SIGN = re.compile(r"[*_`~$\\<&\[\]|]")

Render = Callable[[str, list[Span], int], str]  # text, its sentences, the number of the first; "": cannot


@dataclass(slots=True)
class Settled:
    """Of one block, in its text: the first `length` characters, as `html` without the marks of the paragraph. Where
    nothing has settled, every method gives what holds for the whole block."""

    start: int = -1  # of the block, in the whole answer
    length: int = 0
    html: str = ""
    sentences: list[Span] = field(default_factory=list)  # that end in it
    cut: int = -1  # where the sentence begins that goes on behind it, if one does
    number: int = 0  # of the first sentence that ends behind it
    signs: int = 0  # in it

    def rest(self, text: str) -> str:
        """What is still to be rendered, behind the guard."""
        return GUARD + text[self.length :] if self.length else text

    def spans(self, rest: str) -> list[Span]:
        """The sentences of a rest; the guard is part of none."""
        if not self.length:
            return numbered(rest)
        return [(max(start, len(GUARD)), end) for start, end in numbered(rest) if end > len(GUARD)]

    def all(self, spans: Sequence[Span]) -> list[Span]:
        """All sentences of the block; `spans` are those of its rest."""
        shift = self.length - len(GUARD) if self.length else 0
        found = [(start + shift, end + shift) for start, end in spans]
        if self.cut >= 0 and found:
            found[0] = self.cut, found[0][1]
        return [*self.sentences, *found]

    def certain(self, text: str) -> int:
        """Up to where the sentences of the block are what they will be; `text` goes on behind it."""
        return max(certain(self.rest(text)) + self.length - len(GUARD), self.length) if self.length else certain(text)

    def whole(self, rest: str) -> str:
        """The HTML of the block, with that of its rest."""
        return f"{_OPEN}{self._joined(rest)}{_CLOSE}" if self.length else rest

    def grow(self, text: str, sentences: Sequence[Span], first: int, render: Render) -> None:
        """Takes what has settled of the paragraph meanwhile. `first` is the number of its first sentence."""
        place = _border(text)
        if place < self.length + _LEAST:
            return
        done = sum(1 for _, end in sentences if end < place)
        if done == len(sentences) or sentences[done][0] > place:
            return  # between two sentences stands what is none
        if sentences[done][0] < place and not counted(text, (sentences[done][0], place)):
            return  # nothing is seen yet of the one that goes on
        piece = text[self.length : place - 1]
        if "](" in piece or _SIGN.search(_WHOLE.sub("", without_hints(piece))):
            return
        known, begun = len(self.sentences), sentences[done][0] < place
        shift = len(GUARD) - self.length if self.length else 0
        spans = [(start + shift, end + shift) for start, end in sentences[known : done + begun]]
        if self.length and spans:
            spans[0] = max(spans[0][0], len(GUARD)), spans[0][1]
        made = render(GUARD + piece if self.length else piece, spans, first + known)
        if not made:
            return
        html = self._joined(made)
        self.html = html.removesuffix(SLOT % (first + done)) if begun else html
        self.signs += signs(text[self.length : place])
        self.length, self.sentences, self.number = place, list(sentences[:done]), first + done
        self.cut = sentences[done][0] if begun else -1

    def _joined(self, rest: str) -> str:
        """What is settled and a rest, without the marks of the paragraph and without the guard; the space behind the
        guard stays."""
        inner = rest.removeprefix(_OPEN).removesuffix(_CLOSE)
        if not self.length:
            return inner
        inner = inner.removeprefix(GUARD.rstrip())
        goes_on = f" {SENTENCE % self.number}"
        if self.cut >= 0 and self.html.endswith(_END) and not self.html.endswith(_CODE) and inner.startswith(goes_on):
            return f"{self.html.removesuffix(_END)} {inner.removeprefix(goes_on)}"
        return self.html + inner


def signs(text: str, since: int = 0) -> int:
    """How many characters behind that place may open or close something."""
    return sum(text.count(sign, since) for sign in _SIGNS)


def _border(text: str) -> int:
    """Where a word begins behind a single space, some way before the end; 0 where it is not plain."""
    space = max(1, len(text) - _KEPT)
    for _ in range(_TRIES):
        space = text.rfind(" ", 1, space)
        if space <= 0:
            return 0
        if text[space + 1].isalnum() and not text[space - 1].isspace() and text[space - 1] != ZERO:
            return space + 1
    return 0
