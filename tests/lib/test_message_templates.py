"""Tests that messages with values are stored in English, recognised again, and shown in the reader's language."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from apps.engines import registry
from apps.engines.image.protocol import DrawRequest
from apps.engines.image.validation import validate_request
from apps.engines.types import EngineRefused
from apps.lib.text import message_templates
from apps.users.i18n import translate_stored

VALUES = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("sentence", message_templates.SENTENCES)
def test_message_template_is_recognised_with_its_values(sentence: str) -> None:
    values = {name: f"{number},0 ({name})" for number, name in enumerate(VALUES.findall(sentence), 7)}
    assert values and message_templates.match_template(sentence % values) == (sentence, values)


@pytest.mark.parametrize("text", ["", "It is nine.", "The width must be between 64 and 512 pixels", "%(name)s"])
def test_texts_without_a_template_are_left_as_they_are(text: str) -> None:
    assert message_templates.match_template(text) is None
    with translation.override("de"):
        assert translate_stored(text) == text


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("sentence", message_templates.SENTENCES)
def test_message_template_is_shown_in_the_users_language_with_its_values(sentence: str, language: str) -> None:
    stored = sentence % {name: f"v{name}" for name in VALUES.findall(sentence)}
    with translation.override(language):
        shown = translate_stored(stored)
    assert shown != stored and all(f"v{name}" in shown for name in VALUES.findall(sentence))
    assert translate_stored(stored) == stored  # English


def test_engine_refusal_is_a_known_message_template() -> None:
    request = DrawRequest("A lamp", 1, 7, 64, 1, 1.0)
    with pytest.raises(EngineRefused) as refused:
        validate_request(request, registry.get_image_engine().model())
    with translation.override("de"):
        assert translate_stored(refused.value).startswith("Die Breite muss zwischen")
