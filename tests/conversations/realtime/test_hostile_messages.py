"""Malformed socket messages: every verb with every field in every wrong shape. The socket answers and lives."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from apps.conversations.models import Conversation, Message
from tests.conversations.realtime.socket_matrix import ASKED, MATRIX

pytestmark = pytest.mark.django_db(transaction=True)
SOMETHING = "0b3c1f0e-1234-4000-8000-00000000abcd"  # an identifier of nothing
EXTRA = ("text", "client_id", "sampling", "model", "filters", "picture", "after", "place")
VALUES: dict[str, Any] = {
    "zero": 0,
    "negative": -(2**63),
    "larger than a column": 2**63,
    "float": 1e308,
    "true": True,
    "empty text": "",
    "blank": " \t\n",
    "null character": "a\x00b",
    "direction override": "\u202e" + SOMETHING,
    "quote": "' OR ''='",
    "template": "{{ settings.SECRET_KEY }}",
    "path": "../../../../etc/passwd",
    "percent": "%s%n%x" * 50,
    "markup": "<img src=x onerror=alert(1)>",
    "identifier in braces": "{" + SOMETHING + "}",
    "identifier as urn": "urn:uuid:" + SOMETHING,
    "identifier without dashes, twice": SOMETHING.replace("-", "") * 2,
    "identifier of zeros": str(uuid.UUID(int=0)),
    "identifier in full width": "０" * 32,
    "many digits": "9" * 5000,
    "long text": "é" * 30_000,
    "emoji": "👩‍👩‍👧‍👦" * 100,
    "list": [],
    "list of nothing": [None, None],
    "list of lists": [[[[[[]]]]]],
    "list of numbers": list(range(300)),
    "many identifiers": [str(uuid.UUID(int=n + 1)) for n in range(300)],
    "object": {},
    "object with strange keys": {"__proto__": 1, "constructor": {"prototype": 1}, "$where": "1", "": None},
    "deep object": json.loads('{"a":' * 60 + "1" + "}" * 60),
}

STRANGE = ("larger than a column", "many digits", "long text", "deep object")  # values of fields of another verb


def _messages(verb: str, field: str, value: Any) -> dict[str, Any]:
    """Return a message that is right but for one field."""
    right: dict[str, Any] = {name: SOMETHING for name in MATRIX[verb] if name not in ASKED}
    if verb == "ask":
        right |= {"text": "How high was the lighthouse?", "client_id": "1", "conversation": SOMETHING}
    return right | {"do": verb, field: value}


@pytest.mark.parametrize("verb", MATRIX)
async def test_malformed_fields_neither_end_the_socket_nor_raise(page, caplog, verb: str) -> None:
    for field in dict.fromkeys((*MATRIX[verb], *EXTRA)):
        for name in VALUES if field in MATRIX[verb] else STRANGE:
            value = VALUES[name]
            await page.send(json.dumps(_messages(verb, field, value)))
            mark = str(uuid.uuid4())
            await page.tell(do="stop", turn=mark)
            while (said := await page.hear())["type"] != "unknown" or said.get("turn") != mark:
                assert said["type"] in {"refused", "unknown", "standing", "queued", "gone"}, (field, name, said)
    assert "Traceback" not in caplog.text and "ERROR" not in caplog.text
    assert await Message.objects.acount() == await Conversation.objects.acount() == 0
