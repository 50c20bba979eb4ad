"""Setting `EMBED_MORE`: accepted values, and the errors of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from assistant.config import embedders
from tests.support.env_reading import read_env

PIN = "ab" * 32
GOOD = {"name": "German", "model": "/srv/german", "sha256": PIN}


def test_embedders_of_embed_more_are_built_like_the_main_one_with_their_pin(tmp_path: Path) -> None:
    found = embedders.build_embedders(
        read_env({"EMBED_MORE": json.dumps([GOOD, {**GOOD, "name": "Short", "dimension": 256}])}), tmp_path
    )
    assert list(found) == ["German", "Short"]
    assert found["German"]["BACKEND"] == read_env().EMBED_BACKEND
    assert found["Short"]["OPTIONS"] == {"model": "/srv/german", "threads": 0, "sha256": PIN, "dimension": 256}
    assert embedders.build_embedders(read_env(), tmp_path) == {}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ("{", "must be JSON"),
        ("{}", "must be a list"),
        ([{**GOOD, "colour": "red"}], "“colour” is not known"),
        ([{**GOOD, "dimension": True}], "“dimension”"),
        ([{**GOOD, "dimension": 0}], "“dimension” .*greater than or equal to 1"),
        ([{**GOOD, "name": ""}], "“name” must have letters"),
        ([{**GOOD, "sha256": ""}], "“sha256” must be the SHA-256"),
        ([{**GOOD, "sha256": "abc"}], "“sha256” must be the SHA-256"),
        ([{**GOOD, "model": ""}], "“model”"),
        ([GOOD, {**GOOD, "name": "GERMAN"}], "twice"),
    ],
)
def test_embed_more_with_a_malformed_value_is_refused_in_words(items: object, words: str) -> None:
    text = items if isinstance(items, str) else json.dumps(items)
    with pytest.raises(ImproperlyConfigured, match=f"^EMBED_MORE.*{words}"):
        read_env({"EMBED_MORE": text})
