"""Errors that refuse an action become messages of the page; all others pass."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory

from apps.lib.refusals import show_refusals


def test_named_error_becomes_message_and_other_error_passes() -> None:
    request = RequestFactory().get("/")
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    with show_refusals(request, KeyError, ValueError):
        raise ValueError("Not now.")
    with pytest.raises(TypeError), show_refusals(request, KeyError, ValueError):
        raise TypeError("a defect")
    assert [(one.level_tag, str(one)) for one in get_messages(request)] == [("error", "Not now.")]
