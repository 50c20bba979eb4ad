"""Comparison of two answers to one question, and the preference of the user.

That neither is better is stored nowhere, like no preference; the page shows it right after that choice.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from apps.conversations.assistants.assistant_choice import resolve_assistant
from apps.conversations.core import sampling
from apps.conversations.evidence import source_panel
from apps.conversations.history import transcript
from apps.conversations.models import Message, Preference
from apps.lib.db.permissions import require_row
from apps.users.models import User
from apps.users.permissions import get_signed_in_user


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compare_answers(request: HttpRequest, answer: UUID) -> HttpResponse:
    """Show the answer beside a sibling (`?with=`, else the latest other one); a POST stores which is better, or
    neither.
    """
    user, row = get_signed_in_user(request), source_panel.get_own_answer(get_signed_in_user(request), answer)
    if row.parent is None:
        raise Http404
    siblings = list(row.parent.children.exclude(status=Message.Status.WRITING).order_by("created"))
    wanted = request.POST.get("with") or request.GET.get("with") or ""
    others = [one for one in siblings if one.pk != row.pk]
    other = next((one for one in others if str(one.pk) == wanted), others[-1] if others else None)
    if other is None or row not in siblings:
        messages.info(request, gettext("There is no second answer to compare with yet."))
        return redirect(f"/c/{row.conversation_id}/?at={row.pk}")
    if request.method == "POST":
        save_preference(user, row.pk, other.pk, choice := request.POST.get("better", ""))
        messages.success(request, gettext("Saved."))
        chosen = "" if choice else "&neither=1"
        return redirect(f"{reverse('conversations:compare', args=[row.pk])}?with={other.pk}{chosen}")
    pair = [one for one in siblings if one.pk in (row.pk, other.pk)]
    better = Preference.objects.filter(user=user, better__in=pair, worse__in=pair).first()
    context: dict[str, Any] = {
        "answer": row, "other": other, "better": better.better_id if better else None,
        "neither": better is None and "neither" in request.GET,
        "question": row.parent, "sides": [
            {"number": siblings.index(one) + 1, "row": one, "shown": transcript.load_turn(user, one)["answer"],
             "names": _name_answer(user, one), "details": _describe_answer(one)} for one in pair
        ],
        "others": [(siblings.index(one) + 1, one.pk) for one in others],
    }  # fmt: skip
    return render(request, "conversations/feedback/compare.html", context)


def _name_answer(user: User, answer: Message) -> str:
    """Return the names of the assistant and, where a model wrote, of the model."""
    assistant = answer.usage.get("assistant") or resolve_assistant(user, answer.conversation)[0].name
    if model := answer.usage.get("writer") or answer.model:
        return gettext("%(assistant)s with model %(model)s") % {"assistant": assistant, "model": model}
    return f"{assistant} · {gettext('model not known')}" if answer.text else assistant


def _describe_answer(answer: Message) -> str:
    """Return the settings of the answer, after the model's full name where `_name_answer` has a shorter one."""
    settings = [f"{words} {value}" for words, value in sampling.describe_sampling(answer.usage.get("sampling", {}))]
    return " · ".join([answer.model, *settings] if answer.usage.get("writer") and answer.model else settings)


def save_preference(user: User, one: UUID, other: UUID, better: str) -> None:
    """Store the user's preference between two answers, in one transaction; it replaces an earlier one.

    `better` is the id of one of them; any other value means that neither is better. Raise PermissionDenied if the
    user may not see both answers.
    """
    both = [one, other]
    for answer in both:
        require_row(Message.objects.visible_to(user), answer)
    with transaction.atomic():
        Preference.objects.filter(user=user, better__in=both, worse__in=both).delete()
        if better in map(str, both):
            worse = other if better == str(one) else one
            Preference.objects.create(user=user, better_id=UUID(better), worse_id=worse)
