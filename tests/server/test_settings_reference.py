"""Reference of the settings: the committed page is that of the settings classes, and each setting is described."""

from __future__ import annotations

import re

from assistant.config import document_settings
from assistant.env import Env, list_groups
from tests.support.env_reading import read_env


def test_the_page_is_up_to_date() -> None:
    page = document_settings.PATH.read_text()
    assert page == document_settings.render_settings(), "run python -m assistant.config.document_settings"


def test_settings_stand_in_one_group_and_are_described_in_sentences() -> None:
    names = [name for group in list_groups() for name in group.model_fields]
    assert sorted(names) == sorted(Env.model_fields)
    words = {name: field.description or "" for name, field in Env.model_fields.items()}
    assert [name for name, text in words.items() if not re.fullmatch(r"[A-Z`].+\.", text, re.DOTALL)] == []
    empty = [name for name in words if name.endswith(("_FILE", "_DIR"))]
    assert [name for name in empty if "Empty: " not in words[name]] == []


def test_the_page_names_nothing_of_this_machine() -> None:
    assert read_env().DATA_DIR not in document_settings.PATH.read_text()
