"""What `EMBED_MORE` may say, and what is said of it where it may not."""

from __future__ import annotations

import json

import pytest

from assistant.config import embedders
from assistant.config.mcp_servers import Misconfigured
from assistant.env import Env

PIN = "ab" * 32
GOOD = {"name": "German", "model": "/srv/german", "sha256": PIN}


def test_each_is_built_as_the_site_s_own_with_its_pin() -> None:
    found = embedders.build_embedders(Env(EMBED_MORE=json.dumps([GOOD, {**GOOD, "name": "Short", "dimension": 256}])))
    assert list(found) == ["German", "Short"]
    assert found["German"]["BACKEND"] == Env().EMBED_BACKEND
    assert found["Short"]["OPTIONS"] == {"model": "/srv/german", "threads": 0, "sha256": PIN, "dimension": 256}
    assert embedders.build_embedders(Env()) == {}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ("{", "has to be JSON"),
        ("{}", "has to be JSON"),
        ([{**GOOD, "colour": "red"}], "“colour” is not known"),
        ([{**GOOD, "dimension": True}], "“dimension”"),
        ([{**GOOD, "dimension": 0}], "above 0"),
        ([{**GOOD, "name": ""}], "a name has letters"),
        ([{**GOOD, "sha256": ""}], "pinned"),
        ([{**GOOD, "sha256": "abc"}], "pinned"),
        ([{**GOOD, "model": ""}], "pinned"),
        ([GOOD, {**GOOD, "name": "GERMAN"}], "twice"),
    ],
)
def test_anything_else_is_refused_in_words(items: object, words: str) -> None:
    text = items if isinstance(items, str) else json.dumps(items)
    with pytest.raises(Misconfigured, match=words):
        embedders.build_embedders(Env(EMBED_MORE=text))
