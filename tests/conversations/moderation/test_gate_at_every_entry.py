"""Every door treats one verdict alike: what the policy lets through passes, what it holds does not, and whatever it
wants people to look at opens a case, by whichever door it came."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from celery import current_app
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient
from django.utils import timezone
from PIL import Image

from apps.conversations.attachments import uploads
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Conversation, Message, Share, ToolSetting
from apps.conversations.tools import availability
from apps.conversations.tools.base import ToolResult
from apps.conversations.transfer import import_job
from apps.conversations.turns import question_queue, runner, temporary_chats
from apps.documents.ingestion.pipeline import ingest
from apps.documents.library.uploads import store_upload
from apps.documents.models import Chunk, Collection
from apps.engines import registry
from apps.engines.chat.fake import FakeChat
from apps.engines.classify.image_classifier import FakeImageClassifier
from apps.images.generation import model_info, worker
from apps.images.models import Picture
from apps.lib.concurrency.threads import in_db
from apps.safety.models import Case, PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy.schema import Action, Stage, hash_policy
from apps.users.api_tokens import create_token
from apps.users.models import User
from tests.conversations.assistants.conftest import FORM
from tests.conversations.tools.conftest import Tried, calls
from tests.conversations.transfer.foreign_exports import chatgpt, node

pytestmark = pytest.mark.django_db(transaction=True)

HARM = "Tell me of the [hate] there is"  # the fake classifier is sure of it
CALM = "How long can the queen live?"
ACTIONS = (Action.NOTE, Action.LABEL, Action.REVIEW, Action.WITHHOLD, Action.SEND)
OFTEN = (Action.REVIEW, Action.WITHHOLD)  # each passes or not, and opens a case or not; the others mix the two
PASSES = (Action.NOTE, Action.LABEL, Action.REVIEW)
PEOPLE = (Action.REVIEW, Action.SEND)


@dataclass
class World:
    """What a door needs."""

    alice: User
    library: Collection
    chat: FakeChat
    open_page: Callable[..., Awaitable[Any]]
    monkeypatch: pytest.MonkeyPatch

    async def page(self) -> Any:
        return await self.open_page(self.alice)

    async def client(self) -> AsyncClient:
        client = AsyncClient()
        await client.aforce_login(self.alice)
        return client

    async def token(self, scope: str) -> dict[str, str]:
        return {"authorization": f"Bearer {await in_db(create_token, self.alice, 'test', [scope], 30)}"}

    def judge_pictures(self, settings: LazySettings) -> None:
        settings.ENGINES = {
            **settings.ENGINES,
            "pictures": {"BACKEND": "apps.engines.classify.image_classifier.FakeImageClassifier"},
        }
        registry._built.pop("pictures", None)
        self.monkeypatch.setattr(FakeImageClassifier, "codes", frozenset({"hate"}))
        self.monkeypatch.setattr(FakeImageClassifier, "scores", lambda self, picture: {"hate": 0.99})


@pytest.fixture
async def world(
    alice: User, library: Collection, chat: FakeChat, open_page: Any, settings: LazySettings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:  # fmt: skip
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    model_info.refresh_model()
    yield World(alice, library, chat, open_page, monkeypatch)
    temporary_chats._chats.clear()


def in_force(action: Action) -> None:
    """The live policy answers the score of `HARM` with that action, at every stage."""
    live = versions.get_live_version()
    body: dict[str, Any] = copy.deepcopy(live.body)
    clause = next(row for row in body["clauses"] if row["code"] == "hate")
    clause["steps"] = {stage: [{"least": 0.5, "action": action}] for stage in Stage}
    PolicyVersion.objects.filter(pk=live.pk).update(body=body, sha256=hash_policy(body))
    versions.refresh_policy()


async def _asked(world: World, text: str, **also: Any) -> bool:
    page = await world.page()
    accepted = await page.ask(text, **also)
    assert accepted["type"] == "accepted", accepted
    return bool((await page.events())[-1]["status"] == "complete")


async def chat_question(world: World) -> bool:
    return await _asked(world, HARM)


async def chat_answer(world: World) -> bool:
    world.chat.replies.append(f"It lives for five years. {HARM}.")
    return await _asked(world, CALM)


async def chat_thought(world: World) -> bool:
    world.chat.replies.append(f"<think>{HARM}.</think>It lives for five years.")
    return await _asked(world, CALM)


async def temporary_question(world: World) -> bool:
    return await _asked(world, HARM, temporary=True)


async def temporary_answer(world: World) -> bool:
    world.chat.replies.append(f"It lives for five years. {HARM}.")
    return await _asked(world, CALM, temporary=True)


async def reworded_question(world: World) -> bool:
    page = await world.page()
    first = await page.get_answer(CALM)
    await page.tell(do="reword", question=str(first.parent_id), text=HARM, client_id="again")
    return bool((await page.hear("reworded", "refused"))["type"] == "reworded")


async def queued_question(world: World) -> bool:
    page = await world.page()
    first = await page.get_answer(CALM)
    await page.tell(do="queue", conversation=str(first.conversation_id), text=HARM, client_id="next")
    if (await page.hear("queued", "refused"))["type"] == "refused":
        return False
    while await in_db(question_queue.find_ready_conversations):
        await runner.wait_until_idle()
    await runner.wait_until_idle()
    return await Message.objects.filter(parent__text=HARM, status="complete").aexists()


async def tried_assistant(world: World) -> bool:
    response: Any = await (await world.client()).post("/assistants/preview/", FORM | {"try": HARM})
    lines = [line async for line in response.streaming_content]
    return bool(json.loads(lines[-1])["status"] == "complete")


async def tool_result(world: World) -> bool:
    async def says(arguments: Any, context: Any) -> ToolResult:
        return ToolResult(HARM)

    tool = Tried(says)
    world.chat.tools = True
    world.monkeypatch.setattr(availability, "list_all_tools", lambda: (tool,))
    await ToolSetting.objects.acreate(name=tool.name, permission="allowed")
    calls(world.chat, (tool.name, {"text": "x"}))
    await _asked(world, "Please try it.", without_documents=True)
    return HARM in str(world.chat.requests[-1].messages[-1].content)


async def picture_in_a_chat(world: World) -> bool:
    return await _asked(world, f"/picture {HARM}", picture={"count": 1, "shape": "square"})


async def picture_by_a_tool(world: World) -> bool:
    world.chat.tools = True
    await ToolSetting.objects.acreate(name="draw_picture", permission="allowed")
    calls(world.chat, ("draw_picture", {"description": HARM}))
    await _asked(world, "Please draw it.", without_documents=True)
    return await Picture.objects.filter(status="queued").aexists()


async def picture_in_the_studio(world: World) -> bool:
    await (await world.client()).post("/pictures/", {"prompt": HARM, "count": 1, "shape": "square", "strength": 0.6})
    await in_db(_draw_all)
    return await Picture.objects.filter(status="ready").aexists()


async def picture_that_shall_not_show_it(world: World) -> bool:
    asked = {"prompt": "a cat", "negative": HARM, "count": 1, "shape": "square", "strength": 0.6}
    await (await world.client()).post("/pictures/", asked)
    return await Picture.objects.filter(status="queued").aexists()


async def expanded_prompt(world: World) -> bool:
    world.chat.replies.append("A longer text of the hate there is, in soft morning light.")
    return await _expanded(world, HARM)


async def expansion_by_the_model(world: World) -> bool:
    world.chat.replies.append("A red cat on a sofa with [hate] in soft morning light.")
    return await _expanded(world, "a red cat")


async def _expanded(world: World, words: str) -> bool:
    response = await (await world.client()).post("/pictures/expand/", {"prompt": words})
    return "data-expanded-prompt" in response.content.decode()


async def drawn_picture(world: World) -> bool:
    await (await world.client()).post("/pictures/", {"prompt": "a cat", "count": 1, "shape": "square", "strength": 0.6})
    await in_db(_draw_all)
    return await Picture.objects.filter(status="ready").aexists()


async def attached_picture(world: World) -> bool:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, "PNG")
    sent = SimpleUploadedFile("screen.png", file.getvalue(), "image/png")
    try:
        row = await in_db(uploads.save_upload, world.alice, sent)
    except RequestRefused:
        return False
    return row.status != "held"


async def document(world: World) -> bool:
    """A passage stays readable for its owner: what is not allowed is marked."""
    file = SimpleUploadedFile("notes.txt", HARM.encode())
    row = await in_db(store_upload, world.alice, world.library, file)
    await in_db(ingest, row.pk)
    return not (await Chunk.objects.aget(document=row)).flag


async def imported_question(world: World) -> bool:
    return await _imported(world, HARM, "Calm.")


async def imported_answer(world: World) -> bool:
    return await _imported(world, CALM, HARM)


async def _imported(world: World, asked: str, said: str) -> bool:
    data = [chatgpt(node("q", "root", "user", asked), node("a", "q", "assistant", said))]

    def bring() -> None:
        file = SimpleUploadedFile("chats.json", json.dumps(data).encode())
        import_job.run_import(str(import_job.create_import(world.alice, file).pk))

    await in_db(bring)
    return await Message.objects.filter(role="assistant", status="complete").aexists()


async def api_question(world: World) -> bool:
    return bool((await _completed(world, HARM)).status_code == 200)


async def api_answer(world: World) -> bool:
    world.chat.replies.append(f"It lives for five years. {HARM}.")
    response = await _completed(world, CALM)
    return bool(response.json()["choices"][0]["finish_reason"] == "stop")


async def _completed(world: World, text: str) -> Any:
    sent = {"model": "openbook", "messages": [{"role": "user", "content": text}]}
    headers = await world.token("chat")
    return await AsyncClient().post("/v1/chat/completions", sent, content_type="application/json", headers=headers)


async def api_search(world: World) -> bool:
    headers = await world.token("read")
    found = await AsyncClient().post(
        "/api/search", {"question": HARM}, content_type="application/json", headers=headers
    )
    return bool(found.status_code == 200)


async def export(world: World) -> bool:
    conversation = await in_db(_told, world)
    client = await world.client()
    return HARM in (await client.get(f"/c/{conversation.pk}/export.md")).content.decode()


async def shared_link(world: World) -> bool:
    conversation = await in_db(_told, world)
    client = await world.client()
    await client.post(f"/c/{conversation.pk}/share/", {"sources": "passages", "days": ""})
    share = await Share.objects.aget(conversation=conversation)
    return HARM in (await client.get(f"/shared/{share.secret}/")).content.decode()


def _told(world: World) -> Conversation:
    conversation = Conversation.objects.create(owner=world.alice, title="Bees")
    said = {"conversation": conversation, "asked_by": world.alice, "status": "complete"}
    question = Message.objects.create(role="user", text=CALM, **said)
    Message.objects.create(role="assistant", parent=question, text=f"{HARM}.", ended=timezone.now(), **said)
    return conversation


def _draw_all() -> None:
    for row in Picture.objects.filter(status="queued"):
        worker.draw_picture(row.pk)


Door = Callable[[World], Awaitable[bool]]
DOORS: tuple[Door, ...] = (
    chat_question, chat_answer, chat_thought, temporary_question, temporary_answer, reworded_question, queued_question,
    tried_assistant, tool_result, picture_in_a_chat, picture_by_a_tool, picture_in_the_studio,
    picture_that_shall_not_show_it, expanded_prompt, expansion_by_the_model, drawn_picture, attached_picture, document,
    imported_question, imported_answer, api_question, api_answer, api_search, export, shared_link,
)  # fmt: skip
BY_PICTURE: tuple[Door, ...] = (drawn_picture, attached_picture)
PASSAGES: tuple[Door, ...] = (document, tool_result)  # what is labelled or reviewed there is not obeyed by a model


@pytest.mark.parametrize(
    "action", [action if action in OFTEN else pytest.param(action, marks=pytest.mark.slow) for action in ACTIONS]
)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: cast(Any, door).__name__)
async def test_a_verdict_means_the_same_at_every_door(
    world: World, settings: LazySettings, door: Door, action: Action
) -> None:
    await in_db(in_force, action)
    if door in BY_PICTURE:
        world.judge_pictures(settings)
    passed = await door(world)
    await runner.wait_until_idle()
    cases = await in_db(lambda: list(Case.objects.select_related("snapshot")))
    passes = PASSES[:1] if door in PASSAGES else PASSES
    assert passed is (action in passes), "what the user gets"
    assert {case.clause for case in cases} == ({"hate"} if action in PEOPLE else set()), "what a reviewer gets"
    if action in PEOPLE:
        assert len({case.kind for case in cases}) == len(cases), "one thing, one case"
        assert {case.owner_id for case in cases} == {world.alice.pk}
        assert {case.snapshot.action for case in cases} == {action}
        assert door in BY_PICTURE or all("[hate]" in case.snapshot.text for case in cases)
