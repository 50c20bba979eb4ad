"""Answer a question with the assistant that a form describes, before it is saved. Entry point: `preview_assistant`.

The answer is streamed as in a chat; nothing is stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.decorators.http import require_POST

from apps.conversations.assistants.forms import AssistantForm
from apps.conversations.core import model_choice, requests
from apps.conversations.core.events import Closed, Event, Step, encode_event
from apps.conversations.errors import RequestRefused
from apps.conversations.models import Message
from apps.conversations.models.assistant import Assistant
from apps.conversations.turns import ephemeral, runner
from apps.conversations.turns.state import Turn
from apps.conversations.turns.temporary_sources import rewrite_source_links
from apps.engines.types import EngineError
from apps.lib.concurrency.threads import in_db
from apps.safety.gate.gate import Withheld
from apps.users.i18n import translate_stored
from apps.users.models import User
from apps.users.rate_limits import RateLimited

Status = Message.Status


@login_required
@require_POST
async def preview_assistant(request: HttpRequest) -> HttpResponseBase:
    """Stream the events of the answer as NDJSON, in the format of the socket.

    Return 400 with the reason as plain text if the form or question is invalid, or a limit is reached. The answer ends
    when the client disconnects.
    """
    user = cast(User, await request.auser())
    try:
        question = requests.clean_question(request.POST.get("try", ""))
        assistant, collections = await in_db(_make_draft, user, request)
        turn = await ephemeral.prepare_ephemeral_turn(user, question, (), collections, assistant=assistant)
    except (RequestRefused, EngineError, RateLimited) as error:
        return HttpResponse(translate_stored(str(error)), status=400, content_type="text/plain; charset=utf-8")
    response = StreamingHttpResponse(
        _stream_lines(turn, translation.get_language()), content_type="application/x-ndjson"
    )
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream_lines(turn: Turn, language: str | None) -> AsyncIterator[bytes]:
    translation.activate(language or "en")  # the response is streamed after the middleware has reset the language
    status, reason = Status.COMPLETE, ""
    try:
        async with aclosing(ephemeral.stream_while_allowed(turn, ephemeral.stream_events(turn))) as events:
            async for event in events:
                yield _encode_line(turn, event)
    except Withheld as error:
        status, reason = Status.WITHHELD, str(error)
    except EngineError as error:
        status, reason = Status.FAILED, str(error)
    for event in _end(turn, status, reason):
        yield _encode_line(turn, event)


def _encode_line(turn: Turn, event: Event) -> bytes:
    return encode_event(rewrite_source_links(turn, event), turn=turn.id) + b"\n"


def _end(turn: Turn, status: Status, reason: str) -> Iterator[Event]:
    if turn.text:
        took = round(turn.progress.elapsed_ms, 1)
        yield Step("write", model_choice.describe_written(turn.model_name, len(turn.text.split())), took)
    if turn.passages:
        yield turn.build_final_event()
    turn.answer.renderer.links.used_links.clear()  # the final HTML collects its own links
    yield Closed(
        status, runner.render_running_answer(turn), translate_stored(reason), False, turn.is_mostly_unsupported
    )


def _make_draft(user: User, request: HttpRequest) -> tuple[Assistant, tuple[UUID, ...]]:
    """Return an unsaved assistant made of the form, and the collections chosen there. The name may be empty.

    Raise RequestRefused if the form is invalid.
    """
    sent = request.POST.copy()
    sent["name"] = sent.get("name", "").strip() or "Preview"
    form = AssistantForm(user, sent)
    if not form.is_valid():
        raise RequestRefused(" ".join(_describe_problem(form, name, words) for name, words in form.errors.items()))
    return Assistant(owner=user, **form.content), tuple(item.pk for item in form.cleaned_data["collections"])


def _describe_problem(form: AssistantForm, name: str, words: Iterable[object]) -> str:
    label = f"{form[name].label}: " if name in form.fields else ""
    return label + " ".join(str(line) for line in words)
