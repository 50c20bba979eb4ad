"""Command-line client `llm`, unchanged, with only the configuration that docs/reference/api.md shows."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvicorn
from django.conf import settings

from apps.conversations.models import Conversation
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.lib.concurrency.threads import in_db
from apps.users.api_tokens import create_token
from apps.users.models import User
from assistant.asgi import application

pytestmark = pytest.mark.slow  # each call of the client takes a second to start
QUESTION = "How long do workers of a honey bee colony live in summer?"
PATIENCE_S = 120

Llm = Callable[..., Awaitable[str]]


@pytest.fixture
async def address(transactional_db: None) -> AsyncIterator[str]:
    """Run the application on a free port during the test, and return its URL."""
    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.fixture
async def llm(address: str, alice: User, tmp_path: Path) -> Llm:
    """Return a function that runs the client and returns its output: `await llm("-m", "openbook", "question")`."""
    told = re.search(r"```yaml\n(.*?)```", (Path(settings.BASE_DIR) / "docs/reference/api.md").read_text(), re.DOTALL)
    assert told
    (tmp_path / "extra-openai-models.yaml").write_text(told[1].replace("http://localhost:8000", address))

    async def run(*words: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "llm", *words, env={**kept, "LLM_USER_PATH": str(tmp_path)},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            said, wrong = await process.communicate()
        assert process.returncode == 0, wrong.decode()
        return said.decode()

    await run("keys", "set", "openbook", "--value", await in_db(create_token, alice, "llm", ["chat"], 30))
    return run


async def test_a_question_is_answered_from_the_documents(llm: Llm, library: Collection) -> None:
    assert "openbook" in await llm("models")
    assert "six weeks" in await llm("-m", "openbook", QUESTION)
    assert "six weeks" in await llm("-m", "openbook", "--no-stream", QUESTION)
    assert not await in_db(Conversation.objects.exists)


async def test_a_conversation_goes_on(llm: Llm, library: Collection, chat: FakeChat) -> None:
    await llm("-m", "openbook", "--system", "Speak like a sailor.", QUESTION)
    await llm("--continue", "And the queen bee?")
    sent = [message.content for message in chat.requests[-1].messages]
    assert "Speak like a sailor." in sent[0] and QUESTION in sent[1]
