"""What decides over a text: a Protocol, so that rules, classifiers and guard models can stand behind the gate alike.

Chosen by the dotted path `settings.SAFETY_CHECK` and built on first use. A check never calls the gate back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class CheckUnavailable(Exception):
    """The check could not come to a verdict. That is never the same as "safe"."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule` names what matched, also where the text is allowed; `words` are calm and meant for the person."""

    allowed: bool
    rule: str = ""
    words: str = ""


ALLOWED = Verdict(True)


class Check(Protocol):
    """Texts come normalised (`intake.normalise`). Any method may raise CheckUnavailable."""

    async def question(self, text: str) -> Verdict:
        """What a person asks, whole."""

    async def sentence(self, text: str, since: int) -> Verdict:
        """What the model writes: `text[since:]` is new, before it stands the end of what was let through."""

    def passage(self, text: str) -> Verdict:
        """What a document says, when it is read (in the worker). Not allowed means: marked, never hidden."""
