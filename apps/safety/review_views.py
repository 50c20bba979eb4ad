"""The review console: queues as counts, one case at a time, decided by mouse or by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.safety import (
    appeals,
    breakglass,
    bulk,
    claims,
    degraded,
    effects,
    exposure,
    marked,
    masking,
    opinions,
    policy,
    redacting,
    review,
    reviewable,
    rulings,
    sealed,
    similar,
)  # fmt: skip
from apps.safety.models import Case, Decision
from apps.safety.policy import PICTURED
from apps.safety.restricting import DAYS, Feature
from apps.safety.transitions import LIVE, Move, Refused, State
from apps.users import sealed as seals
from apps.users.access import person, staff_only
from apps.users.models import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE = 50
SHOWN: dict[str, tuple[StrOrPromise, Callable[[User], Q]]] = {
    "new": (gettext_lazy("New"), lambda user: Q(state=State.OPEN)),
    "mine": (gettext_lazy("Mine"), lambda user: Q(state__in=[State.CLAIMED, State.APPEAL_CLAIMED], holder=user)),
    "appeals": (gettext_lazy("Appeals"), lambda user: Q(state=State.APPEALED)),
    "escalated": (gettext_lazy("Escalated"), lambda user: Q(state=State.ESCALATED)),
    "overdue": (gettext_lazy("Overdue"), lambda user: Q(state__in=LIVE | {State.APPEALED}, due__lt=timezone.now())),
    "disputed": (gettext_lazy("Disputed"), lambda user: Q(state=State.DECIDED, opinions__in=opinions.disputed())),
    "decided": (gettext_lazy("Decided"), lambda user: Q(state__in=[State.DECIDED, State.UPHELD, State.OVERTURNED])),
}
_FIRST = [
    (Decision.Outcome.ALLOW, "A"), (Decision.Outcome.BLOCK, "B"), (Decision.Outcome.REDACT, "M"),
    (Decision.Outcome.BLUR, "I"), (Decision.Outcome.WARN, "W"), (Decision.Outcome.RESTRICT, "F"),
    (Decision.Outcome.SUSPEND, "X"),
]  # fmt: skip
_APPEAL = [(Decision.Outcome.UPHOLD, "P"), (Decision.Outcome.OVERTURN, "O")]


@require_safe
@never_cache
@staff_only
def queue(request: HttpRequest) -> HttpResponse:
    review.sweep()
    user = person(request)
    show = request.GET.get("show", "new")
    show = show if show in SHOWN else "new"
    rows = _listed(user, show)
    counts = [(name, words, _listed(user, name).count()) for name, (words, _) in SHOWN.items()]
    cases = list(rows[:PAGE])
    for row in cases:
        row.may_claim = review.may_claim(user, row)  # type: ignore[attr-defined]
    context = {"cases": cases, "counts": counts, "show": show, "total": rows.count(), **_undo(user)}
    context |= {"degraded": sum(degraded.minutes(1).values()), "looks": opinions.waiting(user).count()}
    context |= {"sealed": sealed.waiting(user), "named": seals.named(user), "nobody": not seals.people().exists()}
    return render(request, "safety/queue.html", context | _glass(user))


@require_safe
@never_cache
@staff_only
def case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The case; its text only for who holds it or where it is decided, and then the reading is recorded."""
    user = person(request)
    found = review.queue(user).filter(pk=pk).first()
    if found is None:
        raise Http404
    holds = found.holder_id == user.pk and found.lease_until is not None and found.lease_until > timezone.now()
    if holds:
        found = review.look(user, pk)
    show = request.GET.get("show", "new")
    waiting = _listed(user, show if show in SHOWN else "new")
    context = {**_shown(user, found, holds), "show": show, "left": waiting.count(), **_undo(user)}
    context["covered"] = found.severity >= exposure.HARD and exposure.care(user).covered
    context["picture"] = holds and isinstance(reviewable.of(found.kind), reviewable.Pictured)
    context["picture"] = context["picture"] and found.snapshot.stage in PICTURED
    context["alike"] = len(bulk.alike(user, found)) if holds else 0
    return render(request, "safety/case.html", context)


@require_safe
@never_cache
@staff_only
def picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What the case is about, for who holds it alone."""
    user = person(request)
    rows = review.queue(user).filter(pk=pk, holder=user, lease_until__gt=timezone.now())
    found = rows.first()
    kind = reviewable.of(found.kind) if found is not None else None
    content = kind.picture(found.subject) if found is not None and isinstance(kind, reviewable.Pictured) else b""
    if not content:
        raise Http404
    return HttpResponse(content, content_type="image/png")


@require_POST
@staff_only
def claim(request: HttpRequest, pk: UUID) -> HttpResponse:
    try:
        review.claim(person(request), pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    return _to(request, pk)


@require_POST
@staff_only
def keep(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Somebody is at it: the claim lasts. Why not, in words, where the case is somebody else's by now."""
    try:
        return JsonResponse({"token": claims.keep(person(request), pk, request.POST.get("token", ""))})
    except Refused as refusal:
        return JsonResponse({"words": str(refusal)})


@require_POST
@staff_only
def decide(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decided, and the next case of the queue is opened."""
    user, ruling = person(request), rulings.sent(request.POST)
    appealed = review.queue(user).filter(pk=pk, state=State.APPEAL_CLAIMED).exists()
    try:
        (appeals.rule if appealed else review.decide)(user, pk, ruling)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _to(request, pk)
    return _next(request)


@require_POST
@staff_only
def leave(request: HttpRequest, pk: UUID) -> HttpResponse:
    sent = request.POST
    moves = {move.value: move for move in (Move.RELEASE, Move.SKIP, Move.ESCALATE)}
    try:
        move = moves.get(sent.get("move", ""), Move.RELEASE)
        review.leave(person(request), pk, sent.get("token", ""), move, sent.get("note", ""))
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _to(request, pk)
    return redirect("safety:queue") if move is Move.RELEASE else _next(request, besides=pk)


@require_POST
@staff_only
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Taken back; the case that had opened by itself after it waits for whoever comes."""
    user = person(request)
    try:
        review.undo(user, pk)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("safety:queue")
    claims.put_back(user, request.POST.get("opened", ""))
    messages.success(request, gettext("Taken back. Everything is as it was."))
    return _to(request, pk)


def _shown(user: User, found: Case, holds: bool) -> dict[str, Any]:
    policy_row = review.policy_of(found)
    held = policy.read(policy_row.body)
    appealed = found.state == State.APPEAL_CLAIMED
    offered = [pair for pair in _FIRST if pair[0] in effects.possible(found)]
    may = review.queue(user).exclude(pk=found.pk)  # of a sealed case not even how it ended is told to others
    earlier = Decision.objects.filter(owner=found.owner_id, undone=None, case__in=may)
    # Of an appeal the first decision is not shown: whoever decides it looks at the text first, with fresh eyes.
    own = [] if appealed else found.decisions.select_related("reviewer", "policy")
    said = found.opinions.filter(given__isnull=False) if not appealed and (holds or own) else []
    return {
        "said": said, "disputed": opinions.disputed().filter(case=found).exists(),
        "case": found, "holds": holds, "may_claim": review.may_claim(user, found), "clause": held.clause(found.area),
        "policy": policy_row, "outcomes": [(o.value, o.label, key) for o, key in (_APPEAL if appealed else offered)],
        "reasons": Decision.Reason.choices, "decisions": own, "appealed": appealed,
        "earlier": earlier.order_by("-created")[:5] if holds and not appealed and found.owner_id else [],
        "pieces": marked.pieces(found, held) if holds else [],
        "around": masking.mask_turns(found.snapshot.context) if holds else [],
        "similar": similar.decided(user, found) if holds and not appealed else [],
        "spans": _spans(found) if holds and Decision.Outcome.REDACT in dict(offered) else None,
        "suspends": Decision.Outcome.SUSPEND in dict(offered) and not appealed,
        "alone": holds and (found.owner_id == user.pk or (appealed and review.is_first(user, found))),
        "features": Feature.choices if Decision.Outcome.RESTRICT in dict(offered) else [], "days": DAYS,
        "appeal": masking.mask(
            found.decisions.filter(appeal__isnull=False).values_list("appeal__text", flat=True).first() or ""
        ),
    }  # fmt: skip


def _spans(found: Case) -> str:
    """Return what a check knows to be personal data, and a placeholder for each kind of secret, a line each."""
    text = found.snapshot.words
    people = [text[start:end] for start, end in redacting.found(text) if not masking.holds_secret(text, start, end)]
    return "\n".join(dict.fromkeys([*masking.list_placeholders(text), *people]))


def _glass(user: User) -> dict[str, Any]:
    """What waits for this person of break-glass, and emergencies that nobody has judged."""
    if not breakglass.may_list(user):
        return {"glass": None}
    unjudged = breakglass.BreakGlass.objects.filter(emergency=True, judged=None)
    return {"glass": breakglass.waiting(user).count(), "emergencies": unjudged.exclude(person=user).count()}


def _undo(user: User) -> dict[str, Any]:
    """What this person decided a moment ago: many cases together, or one."""
    since = timezone.now() - timedelta(seconds=review.UNDO_S)
    rows = Decision.objects.filter(reviewer=user, undone=None, created__gt=since, case__state=State.DECIDED)
    last = rows.order_by("-created").first()
    alone = last is not None and last.batch_id is None
    return {"undo": last if alone else None, "batch": None if alone else bulk.undoable(user)}


def _listed(user: User, show: str) -> QuerySet[Case]:
    """Return the cases of the queue `show`, without clauses that the user leaves to others."""
    rows = review.queue(user).filter(SHOWN[show][1](user))
    if show in ("mine", "decided", "disputed"):
        return rows
    return rows.exclude(area__in=exposure.care(user).without)


def _to(request: HttpRequest, pk: UUID) -> HttpResponse:
    show = request.POST.get("show", "new")
    response = redirect("safety:case", pk)
    response["Location"] += f"?show={show if show in SHOWN else 'new'}"
    return response


def _next(request: HttpRequest, besides: UUID | None = None) -> HttpResponse:
    """The next case of the queue is this person's, or one that they had begun; the list where there is none."""
    user, show = person(request), request.POST.get("show", "new")
    rows = _listed(user, show if show in ("appeals", "escalated", "overdue") else "new")
    for row in [*rows[:5], *_listed(user, "mine")[:5]]:
        if row.pk == besides:
            continue
        try:
            review.claim(user, row.pk)
        except Refused:
            continue
        return _to(request, row.pk)
    return redirect("safety:queue")
