"""The form of an assistant."""

from __future__ import annotations

from typing import Any

import orjson
from django.test import AsyncClient, Client

from apps.conversations.models.assistant import Assistant
from apps.users.models import User

FORM = {"name": "Sailor", "style": "automatic", "preset": "balanced", "version": "0"}


def submit_assistant(client: Client, **fields: Any) -> Assistant:
    """Create an assistant through the form, with these values besides those of FORM."""
    response = client.post("/assistants/new/", FORM | fields)
    assert response.status_code == 302, response.content.decode()
    return Assistant.objects.get(name=(FORM | fields)["name"])


async def make_async_client(user: User) -> AsyncClient:
    client = AsyncClient()
    await client.aforce_login(user)
    return client


async def preview_assistant(user: User, asked: dict[str, str]) -> Any:
    """Return the events of the answer with this form, or the text that refuses it."""
    response = await (await make_async_client(user)).post("/assistants/preview/", asked)
    if not response.streaming:
        assert response.status_code == 400
        return response.content.decode()
    body = b"".join([line async for line in response.streaming_content])
    return [orjson.loads(line) for line in body.splitlines()]
