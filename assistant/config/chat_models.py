"""The chat models that people may choose among: the one of `LLM_*`, and those that `LLM_MORE` names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assistant.config.json_lists import Kinds, parse_items
from assistant.config.mcp_servers import Misconfigured
from assistant.env import Env

MAIN = "main"  # the model of `LLM_*`, in rows and requests, whatever it is called on the pages
_KINDS: Kinds = {
    "name": str, "url": str, "model": str, "key_env": str, "tokenizer": str, "context": int, "streams": int,
    "reads_well": bool, "reasons": (bool, str), "tools": bool, "pictures": bool,
}  # fmt: skip
_SAYS = 'LLM_MORE has to be JSON such as [{"name": "Big", "url": "http://10.0.0.5:8000/v1", "model": "Qwen3-32B"}]'

Models = dict[str, dict[str, Any]]


def build_chat_models(env: Env, models: Path, secret: Callable[[str], str]) -> Models:
    """What builds each model's engine, and what is said of it, by name; the main one first. Raises Misconfigured."""
    tokenizer = env.LLM_TOKENIZER or str(models / "chat")
    main = {"url": env.LLM_URL, "model": env.LLM_MODEL, "tokenizer": tokenizer, "tools": env.LLM_TOOLS}
    main["pictures"] = env.LLM_SEES
    shown = env.LLM_NAME or env.LLM_MODEL
    found: Models = {MAIN: _model(env, {**main, "reasons": env.LLM_REASONS}, shown, env.LLM_API_KEY)}
    for item in _items(env.LLM_MORE):
        name = item["name"]
        if name in found or name.casefold() in {MAIN, "openbook", shown.casefold()}:
            raise Misconfigured(f"LLM_MORE names “{name}” twice, or as something else is called here.")
        found[name] = _model(env, item, name, secret(item["key_env"]) if item.get("key_env") else "")
    return found


def _model(env: Env, item: dict[str, Any], shown: str, key: str) -> dict[str, Any]:
    reasons = _reasons(item.get("reasons", ""))
    options = {
        "url": item["url"], "model": item.get("model", ""), "api_key": key, "tokenizer": item.get("tokenizer", ""),
        "tools": item.get("tools", True), "reasons": reasons,
    }  # fmt: skip
    if item.get("context"):
        options["context_tokens"] = item["context"]
    about = {
        "shown": shown, "server": item["url"].rstrip("/"), "streams": max(1, item.get("streams", env.LLM_STREAMS)),
        "reads_well": item.get("reads_well"), "reasons": bool(reasons), "tools": item.get("tools", True),
        "pictures": item.get("pictures", False),
    }  # fmt: skip
    return {"BACKEND": env.LLM_BACKEND, "OPTIONS": options, "ABOUT": about}


def _items(text: str) -> list[dict[str, Any]]:
    found = parse_items(text, _KINDS, _SAYS)
    for item in found:
        if urlsplit(item.get("url", "")).scheme not in {"http", "https"}:
            raise Misconfigured(f"{_SAYS}; “{item['name']}” needs the url of its server, with its /v1.")
    return found


def _reasons(said: bool | str) -> str:
    """ "" for a model that does not, "yes", or "begun" where its template has opened the thoughts already."""
    said = {True: "yes", False: "", "1": "yes", "true": "yes", "0": "", "false": ""}.get(said, said)
    if said not in ("", "yes", "begun"):
        raise Misconfigured("Whether a model reasons is said by true, false or “begun”.")
    return str(said)
