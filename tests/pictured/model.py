"""Chat model of the pictured site: returns prepared answers, so that taking all pictures takes minutes."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from apps.engines.chat.fake import FakeChat
from apps.engines.types import ChatRequest, Delta, Finish, TokenProb, ToolCall

GUEST_FLAT = "How long may visitors stay in the guest flat, and what does it cost?"
PRESSURE = "The boiler shows E4. What should I do?"
EXHAUST = "And if it shows E7?"
NOTICE = "Write a short notice for the stairwells about the water shut-off."
SOLAR = "How much of the power of the solar roof did we use ourselves in 2025?"
SHARE = "What are 38,200 of 61,400 kilowatt hours in percent?"
LAUNDRY = "When can I do my laundry on a Sunday?"
OFF_TOPIC = "Which composer wrote the opera Wozzeck?"
DOG = "Do I need permission for a dog?"
MOVING = "How much notice do I have to give before I move out?"
LIFT = "Somebody is stuck in the lift. Who comes?"
ATTACHED = "Which valve does this note mean?"
HANDBOOK = "Where is my data stored?"  # sample question of the set-up
READING = {  # answers to some questions of the reading check, as a small model gives
    "How many books may a member borrow?": "A member may borrow six books.",
    "In which town are the steel bells made?": "They are made in Oldwick.",
    "How long must the grey button be held?": "For twelve seconds.",
    "When was the second edition printed?": "In 1996.",
}

SAID = {
    **READING,
    HANDBOOK: "All data is stored in one folder: var inside the installation, or the folder named by DATA_DIR.",
    GUEST_FLAT: "A stay lasts at most ten nights. A night costs 28 euros for the first guest and 9 euros for each "
    "further one. Members can book it up to three months ahead.",
    PRESSURE: "Error E4 means that the water pressure is too low. Open the blue valve slowly until the gauge shows "
    "1.5 bar, then close it and press Reset for three seconds.",
    EXHAUST: "Error E7 means that the exhaust is blocked. Switch the boiler off at the red switch and call the "
    "service. Nobody opens the exhaust.",
    NOTICE: "**Water is shut off on 3 December 2026**\n\nThe main pipe in Linden Street is renewed. Water is shut "
    "off from 8:00 to 14:00 in houses 1 to 4. Please close the valves of your washing machines, and fill a few "
    "bottles before.",
    SOLAR: "The solar roof of house 3 produced 61,400 kilowatt hours in 2025. Of these 38,200 were used in the houses.",
    SHARE: "That is 62.2 percent.",
    LAUNDRY: "The laundry room is open on Sundays from 9:00 to 13:00. A wash costs 1.80 euros.",
    DOG: "A dog needs the consent of the board, which asks the neighbours of the stairwell.",
    MOVING: "Notice is given in writing, three months before the end of a month.",
    LIFT: "The emergency centre answers day and night and sends a technician, who is there within 30 minutes.",
    OFF_TOPIC: "Alban Berg wrote the opera Wozzeck. It was first performed in Berlin in 1925.",
    ATTACHED: "The note means the blue valve. It is opened slowly until the gauge shows 1.5 bar.",
}
OTHERS = {
    NOTICE: "Dear neighbours,\n\nthe main pipe in Linden Street is renewed. Water is shut off on 3 December 2026 "
    "from 8:00 to 14:00 in houses 1 to 4.\n\nThe board",
}
CALLS = {SHARE: ToolCall("call-1", "calculator", json.dumps({"expression": "round(38200 / 61400 * 100, 1)"}))}


class PreparedChat(FakeChat):
    """Fake chat model that gives the prepared answer to a known question; to others it answers as FakeChat."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.tools, self.gap_s = True, 0.002
        self._said: set[str] = set()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta | Finish, None]:
        question = _asked(request, CALLS)
        if question and request.messages[-1].role == "user" and request.tools:
            self.calls.append((CALLS[question],))
        async with aclosing(super().stream(request)) as items:
            async for item in items:
                yield _weighed(item) if isinstance(item, Delta) and item.logprobs else item

    def _say(self, request: ChatRequest) -> str:
        question = _asked(request, SAID)
        if not question:
            return super()._say(request)
        again, _ = question in self._said, self._said.add(question)
        return OTHERS[question] if again and question in OTHERS else SAID[question]


def _asked(request: ChatRequest, known: Any) -> str:
    last = next((message.content for message in reversed(request.messages) if message.role == "user"), "")
    return next((question for question in known if question in last[-400:]), "")


def _weighed(item: Delta) -> Delta:
    """Return the same text with plausible token probabilities: high for most tokens, doubtful for some."""
    tokens = []
    for token in item.logprobs:
        doubt = sum(map(ord, token.token)) % 23
        sure = 0.42 if doubt == 3 else 0.71 if doubt in (5, 9) else 0.995 - doubt / 400
        others = [word for word in (" the", " a", " it", " about") if word != token.token]
        left = [(word, math.log((1 - sure) * part)) for word, part in zip(others, (0.6, 0.25, 0.1), strict=False)]
        tokens.append(TokenProb(token.token, math.log(sure), ((token.token, math.log(sure)), *left)))
    return Delta(item.text, tuple(tokens), item.reasoning)
