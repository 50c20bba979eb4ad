"""An assistant tried beside its form: a real answer by what the form says now; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from apps.conversations import asks, unkept
from apps.conversations.assistant import Assistant
from apps.conversations.assistant_forms import AssistantForm
from apps.conversations.refusal import Refused
from apps.conversations.render import answer_html
from apps.engines.base import EngineError
from apps.lib.ids import new_id
from apps.lib.threads import in_db
from apps.safety.gate import Withheld
from apps.users.access import address_of
from apps.users.limits import OverLimit
from apps.users.models import User


@login_required
@require_POST
async def preview(request: HttpRequest) -> HttpResponse:
    """The fragment with the answer, or with the words that say why there is none."""
    user = cast(User, await request.auser())
    try:
        answer = await _answer(user, request)
    except (Refused, Withheld, EngineError, OverLimit) as error:
        return render(request, "conversations/_tried.html", {"words": str(error)})
    return render(request, "conversations/_tried.html", {"answer": SafeString(answer_html(answer, [], new_id()))})


async def _answer(user: User, request: HttpRequest) -> str:
    question = asks.question(request.POST.get("try", ""))
    assistant, collections = await in_db(_draft, user, request)
    turn = await unkept.opened(user, question, (), collections, assistant=assistant, address=address_of(request))
    text = ""
    async with aclosing(unkept.spoken(turn)) as pieces:
        async for piece in pieces:
            text += piece
    return text


def _draft(user: User, request: HttpRequest) -> tuple[Assistant, tuple[UUID, ...]]:
    """What the form says, as an assistant that nobody has stored and that needs no name yet. Raises Refused where the
    form says nothing usable."""
    said = request.POST.copy()
    said["name"] = said.get("name", "").strip() or "Preview"
    form = AssistantForm(user, said)
    if not form.is_valid():
        raise Refused(" ".join(_problem(form, name, words) for name, words in form.errors.items()))
    return Assistant(owner=user, **form.content), tuple(item.pk for item in form.cleaned_data["collections"])


def _problem(form: AssistantForm, name: str, words: Iterable[object]) -> str:
    label = f"{form[name].label}: " if name in form.fields else ""
    return label + " ".join(str(line) for line in words)
