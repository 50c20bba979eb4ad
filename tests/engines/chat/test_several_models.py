"""Tests of several chat models: configuration, separate requests, and a shared circuit breaker per server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from apps.engines import registry
from apps.engines.chat.circuit_breaker import FAILURES
from apps.engines.types import EngineRefused, EngineUnavailable
from assistant.config import chat_models
from tests.engines.chat.chat_requests import GOOD, collect, text
from tests.engines.chat.scripted_server import answer, serving
from tests.support.env_reading import read_env

MODELS = Path("models")


def read(*items: object, **env: str) -> chat_models.Models:
    more = json.dumps(list(items)) if items else ""
    return chat_models.build_chat_models(read_env({"LLM_MORE": more, **env}), MODELS, {"BIG_KEY": "secret"}.get)  # type: ignore[arg-type]


def test_the_sites_own_model_comes_first_and_the_others_by_name() -> None:
    big = {"name": "Big", "url": "http://10.0.0.5:8000/v1/", "model": "Qwen3-32B", "key_env": "BIG_KEY"}
    found = read({**big, "context": 32768, "reads_well": True, "reasons": True, "pictures": True, "streams": 64})
    assert list(found) == ["main", "Big"]
    options = found["Big"]["OPTIONS"]
    assert (options["api_key"], options["context_tokens"], options["reasons"]) == ("secret", 32768, "yes")
    assert found["Big"]["ABOUT"] == {
        "label": "Big", "server": "http://10.0.0.5:8000/v1", "streams": 64, "passes_reading_check": True,
        "supports_reasoning": True, "supports_tools": True, "supports_pictures": True, "outside": False,
    }  # fmt: skip
    assert "context_tokens" not in found["main"]["OPTIONS"] and found["main"]["ABOUT"]["label"] == ""
    assert read(LLM_NAME="House")["main"]["ABOUT"]["label"] == "House"


@pytest.mark.parametrize(
    "text",
    [
        "Big", "{}", '["Big"]', '[{"name": "Big"}]', '[{"name": "Big", "url": "ftp://x"}]', '[{"url": "http://x/v1"}]',
        '[{"name": "main", "url": "http://x/v1"}]', '[{"name": "a/b", "url": "http://x/v1"}]',
        '[{"name": "openbook", "url": "http://x/v1"}]', '[{"name": "Big", "url": "http://x/v1", "context": "8k"}]',
        '[{"name": "Big", "url": "http://x/v1", "context": true}]', '[{"name": "Big", "url": "http://x/v1", "k": 1}]',
        '[{"name": "Big", "url": "http://x/v1"}, {"name": "Big", "url": "http://y/v1"}]',
        '[{"name": "Big", "url": "http://x/v1", "reasons": "sometimes"}]',
    ],
)  # fmt: skip
def test_invalid_llm_more_is_refused_at_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^LLM_MORE"):
        read_env({"LLM_MORE": text})


def point(settings: Settings, **urls: str) -> None:
    """Real clients of these servers, by name; `main` is the first."""
    settings.CHATS = {
        name: {
            "BACKEND": "apps.engines.chat.openai.OpenAIChat", "OPTIONS": {"url": url},
            "ABOUT": {"label": name, "server": url},
        }
        for name, url in urls.items()
    }  # fmt: skip
    registry.reset()


async def test_chat_models_are_asked_at_their_own_server_by_their_own_name(settings: Settings) -> None:
    async with serving(GOOD) as small, serving(GOOD) as large:
        large.models = [{"id": "big-70B", "max_model_len": 32768}]
        point(settings, main=small.url, Big=large.url)
        settings.CHATS["Big"]["OPTIONS"]["context_tokens"] = 16384  # narrower than the server says
        for name in ("main", "Big"):
            assert text(await collect(registry.get_chat_engine(name))) == "Hello there."
            await registry.get_chat_engine(name).close()
        assert [server.chats[0]["model"] for server in (small, large)] == ["test-7B", "big-70B"]
        info = await registry.get_chat_engine("Big").info()
        assert (info.name, info.context_tokens) == ("big-70B", 16384)
    assert [model.name for model in registry.list_chat_models()] == ["main", "Big"]
    with pytest.raises(EngineRefused):
        registry.get_chat_engine("Gone")


async def test_a_server_that_is_away_is_away_for_all_its_models_and_for_no_other(settings: Settings) -> None:
    async with serving(GOOD) as well, serving(GOOD, answer(500, {})) as ill:
        point(settings, main=well.url, Big=ill.url, Small=ill.url)
        await collect(registry.get_chat_engine("Big"))
        for _ in range(FAILURES):
            with pytest.raises(EngineUnavailable):
                await collect(registry.get_chat_engine("Big"))
        asked = len(ill.chats)
        with pytest.raises(EngineUnavailable):
            await collect(registry.get_chat_engine("Small"))
        assert len(ill.chats) == asked  # its breaker is open: nobody was asked
        assert text(await collect(registry.get_chat_engine())) == "Hello there."
        for name in ("main", "Big", "Small"):
            await registry.get_chat_engine(name).close()
