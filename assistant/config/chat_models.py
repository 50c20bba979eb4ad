"""Chat models that users may choose among: the one of `LLM_*`, and those that `LLM_MORE` names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.engines.chat.model_catalog import is_outside_address
from assistant.config.setting_types import ListedChatModel
from assistant.env import Env

MAIN = "main"  # the model of `LLM_*`, in rows and requests, whatever it is called on the pages

Models = dict[str, dict[str, Any]]


def build_chat_models(env: Env, models: Path, secret: Callable[[str], str]) -> Models:
    """Return class, options and description of each model's engine by name, the main one first.

    `models` is the folder of the converted chat model; `secret` returns the value of a variable that holds a key.
    """
    main = ListedChatModel.model_construct(
        url=env.LLM_URL, model=env.LLM_MODEL, tokenizer=env.LLM_TOKENIZER or str(models / "chat"),
        reads_well={"well": True, "badly": False}.get(env.LLM_READS), reasons=env.LLM_REASONS,
        tools=env.LLM_TOOLS, pictures=env.LLM_SEES, outside={"yes": True, "no": False}.get(env.LLM_OUTSIDE),
    )  # fmt: skip
    found = {MAIN: _build(env, main, env.LLM_NAME or env.LLM_MODEL, env.LLM_API_KEY)}
    for entry in env.LLM_MORE:
        found[entry.name] = _build(env, entry, entry.name, secret(entry.key_env) if entry.key_env else "")
    return found


def _build(env: Env, entry: ListedChatModel, shown: str, key: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "url": entry.url, "model": entry.model, "api_key": key, "tokenizer": entry.tokenizer, "tools": entry.tools,
        "reasons": entry.reasons,
    }  # fmt: skip
    if entry.context:
        options["context_tokens"] = entry.context
    about = {
        "label": shown, "server": entry.url.rstrip("/"),
        "streams": max(1, env.LLM_STREAMS if entry.streams is None else entry.streams),
        "passes_reading_check": entry.reads_well, "supports_reasoning": bool(entry.reasons),
        "supports_tools": entry.tools, "supports_pictures": entry.pictures,
        "outside": is_outside_address(entry.url, env.LLM_HOSTS) if entry.outside is None else entry.outside,
    }  # fmt: skip
    return {"BACKEND": env.LLM_BACKEND, "OPTIONS": options, "ABOUT": about}
