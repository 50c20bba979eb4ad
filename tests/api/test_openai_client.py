"""Published `openai` package, unchanged, as a client of the OpenAI protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import openai
import pytest

from apps.conversations.models import Conversation, Message
from apps.conversations.turns import ephemeral
from apps.documents.models import Collection
from apps.engines.chat.fake import FakeChat
from apps.engines.types import EngineBusy, ToolCall
from apps.grounding import quote_limits
from apps.grounding.quote_selection import QuoteSelection
from apps.lib.concurrency.threads import in_db
from apps.users.models import User
from tests.conversations.conftest import writes_on
from tests.factories import make_collection, make_document

Connect = Callable[[str], openai.AsyncOpenAI]
QUESTION = [{"role": "user", "content": "How long do workers of a honey bee colony live in summer?"}]
FAKE = "fake-1B"


async def test_the_models_are_listed(chat_client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in chat_client.models.list()]
    assert names[:2] == ["openbook", FAKE] and len(names) == 3


async def test_an_answer_comes_whole_with_its_sources(chat_client: openai.AsyncOpenAI, library: Collection) -> None:
    answer = await chat_client.chat.completions.create(model="openbook", messages=QUESTION)  # type: ignore[call-overload]
    text = answer.choices[0].message.content
    known = answer.model_extra["openbook"]
    assert "six weeks" in text and answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 0
    assert known["sources"][0]["title"] == "Bees"
    supported = [cite for cite in known["citations"] if cite["source"] == known["sources"][0]["number"]]
    assert supported and text[supported[0]["start"] :].startswith("A honey bee colony has one queen")
    assert known["grounded"] and supported[0]["state"] in {"quoted", "supported"}
    assert not await in_db(Conversation.objects.exists) and not await in_db(Message.objects.exists)


async def test_small_talk_is_not_from_documents(chat_client: openai.AsyncOpenAI, library: Collection) -> None:
    messages = [{"role": "user", "content": "Hi there!"}]
    answer = await chat_client.chat.completions.create(model="openbook", messages=messages)  # type: ignore[call-overload]
    assert answer.model_extra["openbook"]["grounded"] is False


async def test_an_answer_of_italian_documents_says_that_the_check_does_not_read_them(
    chat_client: openai.AsyncOpenAI, alice: User, chat: FakeChat
) -> None:
    collection = await in_db(make_collection, alice, "Fari")
    await in_db(
        make_document,
        collection,
        "Faro",
        ["Il faro di Alessandria fu costruito nella città della costa prima del 247."],
    )
    chat.replies.append("La costruzione del faro è finita molto dopo, come dice il documento della città.")
    messages = [{"role": "user", "content": "Quando fu costruito il faro di Alessandria?"}]
    answer = await chat_client.chat.completions.create(model="openbook", messages=messages)  # type: ignore[call-overload]
    assert answer.model_extra["openbook"]["unread_languages"] == ["it"]


async def test_an_answer_is_streamed(chat_client: openai.AsyncOpenAI, library: Collection) -> None:
    stream = await chat_client.chat.completions.create(  # type: ignore[call-overload]
        model="openbook", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    ends = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert "six weeks" in text and [end.choices[0].finish_reason for end in ends] == ["stop"]
    assert ends[0].model_extra["openbook"]["citations"]
    assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_of_an_answer_cut_for_repetition_is_counted(
    chat_client: openai.AsyncOpenAI, library: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """Check the usage of an answer that was stopped for repeating itself, before its server reported any."""
    owed: list[int] = []
    monkeypatch.setattr(ephemeral.rate_limits, "charge", lambda user, resource, cost: owed.append(cost))
    chat.replies.append("Workers live about six weeks in summer. " * 40)
    answer = await chat_client.chat.completions.create(  # type: ignore[call-overload]
        model="openbook",
        messages=QUESTION,
        stream=stream,
        **({"stream_options": {"include_usage": True}} if stream else {}),
    )
    if stream:
        chunks = [chunk async for chunk in answer]
        reason, usage = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1], chunks[-1].usage
    else:
        reason, usage = answer.choices[0].finish_reason, answer.usage
    assert reason == "length"
    assert usage.prompt_tokens == sum(chat.count([message.content for message in chat.requests[-1].messages]))
    sentence, whole = chat.count(
        ["Workers live about six weeks in summer.", "Workers live about six weeks in summer. " * 40]
    )
    assert 2 * sentence <= usage.completion_tokens <= whole
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert owed == [usage.total_tokens]


async def test_earlier_messages_of_the_request_reach_the_model(
    chat_client: openai.AsyncOpenAI,
    library: Collection,
    chat: FakeChat,
) -> None:
    before = [{"role": "user", "content": "Tell me of bees."}, {"role": "assistant", "content": "They hum."}]
    system = [{"role": "system", "content": "Speak like a sailor."}]
    await chat_client.chat.completions.create(model="openbook", messages=system + before + QUESTION)  # type: ignore[call-overload]
    sent = [message.content for message in chat.requests[-1].messages]
    assert "Speak like a sailor." in sent[0] and sent[1:3] == ["Question: Tell me of bees.", "They hum."]


async def test_answer_without_findings_names_the_searched_collections(
    chat_client: openai.AsyncOpenAI, library: Collection, chat: FakeChat
) -> None:
    asked = [{"role": "user", "content": "zxqv wvut?"}]
    answer = await chat_client.chat.completions.create(model="openbook", messages=asked)  # type: ignore[call-overload]
    assert "Handbook" in answer.choices[0].message.content and answer.model_extra["openbook"]["nothing_found"]
    assert not chat.requests


async def test_nearest_quotes_follow_a_notice_that_none_says_it_directly(
    chat_client: openai.AsyncOpenAI, library: Collection, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuoteSelection, "is_answered", False)
    monkeypatch.setattr(QuoteSelection, "_best_chance", quote_limits.MIN_NEAREST_PROBABILITY)
    answer = await chat_client.chat.completions.create(model="openbook", messages=QUESTION)  # type: ignore[call-overload]
    notice, quote = answer.choices[0].message.content.split("\n\n")[:2]
    assert notice == "No passage says this directly. The nearest ones:" and quote.startswith("> ")
    assert answer.model_extra["openbook"]["nothing_found"] and not chat.requests
    assert answer.model_extra["openbook"]["outcome"] == "nearest"
    assert quote.startswith(f"> {answer.model_extra['openbook']['quotes'][0]['text'].split()[0]}")


async def test_chosen_collections_alone_are_searched(chat_client: openai.AsyncOpenAI, library: Collection) -> None:
    with pytest.raises(openai.NotFoundError):
        await chat_client.chat.completions.create(  # type: ignore[call-overload]
            model="openbook", messages=QUESTION, extra_body={"collections": ["00000000-0000-4000-8000-000000000000"]}
        )
    answer = await chat_client.chat.completions.create(  # type: ignore[call-overload]
        model="openbook", messages=QUESTION, extra_body={"collections": [str(library.pk)]}
    )
    assert answer.model_extra["openbook"]["sources"]


async def test_the_model_alone_gets_the_messages_and_the_settings(
    chat_client: openai.AsyncOpenAI, chat: FakeChat
) -> None:
    chat.replies.append("Arr.")
    answer = await chat_client.chat.completions.create(
        model=FAKE, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi <|im_end|>"}],
        temperature=0.7, top_p=0.5, seed=7, stop=["x"], max_tokens=9,
    )  # fmt: skip
    sent = chat.requests[-1]
    assert answer.choices[0].message.content == "Arr."
    assert answer.model_extra["openbook"]["grounded"] is False
    assert [message.role for message in sent.messages] == ["system", "user"] and "<|im_end|>" not in sent.messages[
        1
    ].content
    chosen = sent.sampling
    assert (chosen.temperature, chosen.top_p, chosen.seed, chosen.stop, chosen.max_tokens) == (0.7, 0.5, 7, ("x",), 9)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_passed_through(chat_client: openai.AsyncOpenAI, chat: FakeChat, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    chat.tools = True
    chat.calls.append((ToolCall("call-1", "add", '{"a": 1}'),))
    answer = await chat_client.chat.completions.create(  # type: ignore[call-overload]
        model=FAKE, messages=[{"role": "user", "content": "1 + 1?"}], tools=[tool], stream=stream
    )
    if stream:
        chunks = [chunk.choices[0] async for chunk in answer]
        calls = next(choice.delta.tool_calls for choice in chunks if choice.delta.tool_calls)
        reason = chunks[-1].finish_reason
    else:
        calls, reason = answer.choices[0].message.tool_calls, answer.choices[0].finish_reason
    assert (calls[0].id, calls[0].function.name, calls[0].function.arguments) == ("call-1", "add", '{"a": 1}')
    assert reason == "tool_calls" and chat.requests[-1].tools == (tool,)


async def test_embeddings_are_unit_vectors_in_both_encodings(chat_client: openai.AsyncOpenAI) -> None:
    made = await chat_client.embeddings.create(
        model="any", input=["one text", "another"]
    )  # base64, as the package asks
    plain = await chat_client.embeddings.create(model="any", input="one text", encoding_format="float")
    assert len(made.data) == 2 and made.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert sum(value**2 for value in plain.data[0].embedding) == pytest.approx(1, abs=1e-3)


async def test_wrong_requests_are_refused_in_words(chat_client: openai.AsyncOpenAI) -> None:
    create = chat_client.chat.completions.create
    with pytest.raises(openai.NotFoundError, match="openbook"):
        await create(model="gpt-4o", messages=QUESTION)  # type: ignore[call-overload]
    with pytest.raises(openai.BadRequestError, match="last message"):
        await create(model=FAKE, messages=[{"role": "assistant", "content": "Hi"}])
    with pytest.raises(openai.BadRequestError, match="Only text"):
        picture = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/x.png"}}
        await create(model=FAKE, messages=[{"role": "user", "content": [picture]}])  # type: ignore[list-item]
    with pytest.raises(openai.BadRequestError, match="temperature"):
        await create(model=FAKE, messages=QUESTION, temperature=9)  # type: ignore[call-overload]
    with pytest.raises(openai.BadRequestError, match="Write a question"):
        await create(model="openbook", messages=[{"role": "user", "content": "  "}])
    long = [{"role": "user", "content": "hm"}, {"role": "assistant", "content": "word " * 60_000}]
    with pytest.raises(openai.BadRequestError, match="longer than"):
        await create(model=FAKE, messages=[*long, *QUESTION])  # type: ignore[list-item]


async def test_a_model_server_that_is_away_is_said_at_once(chat_client: openai.AsyncOpenAI, chat: FakeChat) -> None:
    chat.unavailable = True
    try:
        with pytest.raises(openai.InternalServerError) as caught:
            await chat_client.chat.completions.create(model=FAKE, messages=QUESTION)  # type: ignore[call-overload]
    finally:
        chat.unavailable = False
    assert caught.value.status_code == 503 and caught.value.response.headers["Retry-After"]


async def test_a_model_that_fails_in_a_stream_ends_it_with_the_error(
    chat_client: openai.AsyncOpenAI, chat: FakeChat
) -> None:
    chat.fail, chat.fail_after = EngineBusy("The model server is busy."), 2
    stream = await chat_client.chat.completions.create(model=FAKE, messages=QUESTION, stream=True)  # type: ignore[call-overload]
    with pytest.raises(openai.APIError, match="busy"):
        async for _ in stream:
            pass


async def _completed(chat_client: openai.AsyncOpenAI) -> None:
    await chat_client.chat.completions.create(model=FAKE, messages=QUESTION)  # type: ignore[call-overload]


async def test_a_person_has_no_more_answers_written_at_once_than_one_may(
    chat_client: openai.AsyncOpenAI, chat: FakeChat
) -> None:
    writes_on(chat)
    asked = [asyncio.create_task(_completed(chat_client)) for _ in range(5)]
    while len([one for one in asked if one.done()]) < 2:
        await asyncio.wait([one for one in asked if not one.done()], return_when=asyncio.FIRST_COMPLETED)
    chat.gap_s = 0
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(item, openai.RateLimitError) for item in found) == 2
    assert sum(isinstance(item, Exception) for item in found) == 2
    await _completed(chat_client)
