"""The review console: queues with counts, and one case at a time, decided by mouse or keyboard."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.lib.refusals import show_refusals
from apps.safety import code_labels
from apps.safety.break_glass import access_requests
from apps.safety.errors import ActionRefused
from apps.safety.gate import span_redaction
from apps.safety.models import Case, Decision, detector_outages
from apps.safety.models.break_glass import BreakGlass
from apps.safety.models.case_states import CaseMove, CaseState
from apps.safety.models.feature_restrictions import DURATION_DAYS, Feature
from apps.safety.moderation import (
    appeals,
    bulk_decisions,
    case_queue,
    decision_input,
    enforcement,
    highlights,
    masking,
    reviewable,
    sealed_cases,
    second_reviews,
    similar_cases,  # fmt: skip
)
from apps.safety.moderation import cases as moderation_cases
from apps.safety.moderation.case_queue import CaseFilter, CaseOrder, ClaimFilter
from apps.safety.policy import schema
from apps.safety.policy.schema import PICTURE_STAGES
from apps.users.models import User
from apps.users.permissions import get_signed_in_user, staff_required
from apps.users.special_permissions import SEALED

PAGE = 50  # cases of a page
_MAX_QUERY = 400  # characters of a filter that a page sends back
_OUTCOME_KEYS = [
    (Decision.Outcome.ALLOW, "A"),
    (Decision.Outcome.BLOCK, "B"),
    (Decision.Outcome.REDACT, "M"),
    (Decision.Outcome.BLUR, "I"),
    (Decision.Outcome.WARN, "W"),
    (Decision.Outcome.RESTRICT, "F"),
    (Decision.Outcome.SUSPEND, "X"),
    (Decision.Outcome.UPHOLD, "P"),
    (Decision.Outcome.OVERTURN, "O"),
]
_APPEAL_LABELS = {  # say what each does: "uphold" alone could also mean the appeal
    Decision.Outcome.UPHOLD: gettext_lazy("Reject the appeal: the decision is upheld"),
    Decision.Outcome.OVERTURN: gettext_lazy("Grant the appeal: the decision is overturned"),
}
_LEFT = {
    CaseMove.RELEASE: gettext_lazy("Case returned to the queue."),
    CaseMove.SKIP: gettext_lazy("Case skipped."),
    CaseMove.ESCALATE: gettext_lazy("Case escalated to an administrator."),
}


@require_safe
@never_cache
@staff_required
def show_queue(request: HttpRequest) -> HttpResponse:
    """Show a page of the cases that the address asks for, with the counts of all queues. Expired claims are released
    first."""
    moderation_cases.release_expired_claims()
    user, case_filter = get_signed_in_user(request), case_queue.parse_filter(request.GET)
    page = Paginator(case_queue.filter_cases(user, case_filter), PAGE).get_page(request.GET.get("page"))
    cases = list(page)
    for row in cases:
        taken = row.state in moderation_cases.CLAIMED_STATES and row.holder_id != user.pk
        row.may_claim = not taken and moderation_cases.can_claim(user, row)  # type: ignore[attr-defined]
    queues = [
        (name, label, count, case_filter.query(show=name))
        for name, label, count in case_queue.count_queues(user, case_filter)
    ]
    context = {"cases": cases, "page": page, "queues": queues, "show": case_filter.show, **_undo_context(user)}
    context["queue_total"] = sum(count for _, _, count, _ in queues)
    context |= _filter_context(user, case_filter)
    context |= {
        "degraded": sum(detector_outages.count_minutes(1).values()),
        "second_review_count": second_reviews.pending_reviews(user).count(),
    }
    context |= {
        "sealed": sealed_cases.count_waiting(user),
        "named": SEALED.is_held_by(user),
        "nobody": not SEALED.list_holders().exists(),
    }
    return render(request, "safety/queue.html", context | _break_glass_context(user))


@require_safe
@never_cache
@staff_required
def show_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the case. Only its holder sees the text, and each such reading is recorded.

    Severe texts are left out of the page until the holder opens them (`?open=1`), so that a claim is no reading.
    """
    user = get_signed_in_user(request)
    case = moderation_cases.visible_cases(user).filter(pk=pk).first()
    if case is None:
        raise Http404
    holds = case.holder_id == user.pk and case.lease_until is not None and case.lease_until > timezone.now()
    covered = moderation_cases.is_covered(case.severity)
    opened = holds and (not covered or "open" in request.GET)
    if opened:
        case = moderation_cases.read_case(user, pk)
    case_filter = case_queue.parse_filter(request.GET)
    remaining = case_queue.filter_cases(user, case_filter).count()
    context = {
        **_case_context(user, case, holds, opened),
        "filter_query": case_filter.query(),
        "left": remaining,
        **_undo_context(user),
    }
    context["covered"], context["opened"] = covered, opened
    context["picture"] = holds and isinstance(reviewable.get_reviewable(case.kind), reviewable.Releasable)
    context["picture"] = context["picture"] and case.snapshot.stage in PICTURE_STAGES
    context["alike"] = len(bulk_decisions.find_near_duplicates(user, case)) if holds else 0
    return render(request, "safety/case.html", context)


@require_safe
@never_cache
@staff_required
def show_picture(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the picture of the case, for its holder only. The reading is recorded."""
    user = get_signed_in_user(request)
    rows = moderation_cases.visible_cases(user).filter(pk=pk, holder=user, lease_until__gt=timezone.now())
    case = rows.first()
    kind = reviewable.get_reviewable(case.kind) if case is not None else None
    content = kind.picture(case.subject) if case is not None and isinstance(kind, reviewable.Releasable) else b""
    if not content:
        raise Http404
    moderation_cases.read_case(user, pk)
    return HttpResponse(content, content_type="image/png")


@require_POST
@staff_required
def claim_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Claim the case and show it."""
    with show_refusals(request, ActionRefused):
        moderation_cases.claim_case(get_signed_in_user(request), pk)
        return _redirect_to_case(request, pk)
    return _redirect_to_queue(request)


@require_POST
@staff_required
def renew_claim(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Extend the claim and return its token. Return the reason as `message` if another reviewer has the case."""
    try:
        token = moderation_cases.renew_claim(get_signed_in_user(request), pk, request.POST.get("token", ""))
    except ActionRefused as refusal:
        return JsonResponse({"message": str(refusal)})
    return JsonResponse({"token": token})


@require_POST
@staff_required
def decide_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Decide the case or its appeal and open the next case of the queue."""
    user, ruling = get_signed_in_user(request), decision_input.parse_form(request.POST)
    appealed = moderation_cases.visible_cases(user).filter(pk=pk, state=CaseState.APPEAL_CLAIMED).exists()
    with show_refusals(request, ActionRefused):
        decision = (appeals.decide_appeal if appealed else moderation_cases.decide_case)(user, pk, ruling)
        # The page shows what can be undone by itself (`_undo.html`); a decision on an appeal cannot.
        return _redirect_to_next(request, code_labels.decision_message(decision) if appealed else "")
    return _redirect_to_case(request, pk)


@require_POST
@staff_required
def release_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Release, skip or escalate the case."""
    sent = request.POST
    moves = {move.value: move for move in (CaseMove.RELEASE, CaseMove.SKIP, CaseMove.ESCALATE)}
    with show_refusals(request, ActionRefused):
        move = moves.get(sent.get("move", ""), CaseMove.RELEASE)
        moderation_cases.release_case(
            get_signed_in_user(request), pk, sent.get("token", ""), move, sent.get("note", "")
        )
        if move is not CaseMove.RELEASE:
            return _redirect_to_next(request, str(_LEFT[move]), besides=pk)
        messages.success(request, _LEFT[move])
        return _redirect_to_queue(request)
    return _redirect_to_case(request, pk)


@require_POST
@staff_required
def undo_decision(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Undo the decision; release the next case, which was opened after it."""
    user = get_signed_in_user(request)
    with show_refusals(request, ActionRefused):
        moderation_cases.undo_decision(user, pk)
        moderation_cases.release_claim(user, request.POST.get("opened", ""))
        messages.success(request, gettext("Decision undone."))
        return _redirect_to_case(request, pk)
    return _redirect_to_queue(request)


def _case_context(user: User, case: Case, holds: bool, opened: bool) -> dict[str, Any]:
    version = moderation_cases.get_policy_version(case)
    policy = schema.parse_policy(version.body)
    appealed = case.state == CaseState.APPEAL_CLAIMED
    possible = _APPEAL_LABELS if appealed else enforcement.possible_outcomes(case)
    offered = [pair for pair in _OUTCOME_KEYS if pair[0] in possible]
    visible = moderation_cases.visible_cases(user).exclude(pk=case.pk)  # sealed cases are left out, with their outcomes
    earlier = Decision.objects.filter(owner=case.owner_id, undone=None, case__in=visible)
    # With an appeal, the first decision is shown only after the reviewer's own choice of a reason.
    decisions = [] if appealed else case.decisions.select_related("reviewer", "policy")
    appeal = case.decisions.filter(appeal__isnull=False).values_list("appeal__text", flat=True).first()
    trigger = highlights.find_trigger(case, policy)
    reviews = case.second_reviews.filter(submitted__isnull=False)
    return {
        "second_opinions": reviews if not appealed and (holds or decisions) else [],
        "disputed": second_reviews.disputed_reviews().filter(case=case).exists(),
        "case": case,
        "holds": holds,
        "may_claim": moderation_cases.can_claim(user, case),
        "clause": policy.clause(case.clause),
        "policy": version,
        "outcomes": [(o.value, _APPEAL_LABELS.get(o, o.label), key) for o, key in offered],
        "reasons": Decision.Reason.choices,
        "decisions": decisions,
        "appealed": appealed,
        "earlier": earlier.order_by("-created")[:5] if holds and not appealed and case.owner_id else [],
        "first": appeals.find_appealed_decision(case) if holds and appealed else None,
        "first_trigger": trigger if appealed else None,
        "trigger": None if appealed else trigger,
        "pieces": highlights.split_highlights(case, policy) if opened else [],
        "context": masking.mask_turns(case.snapshot.context) if opened else [],
        "similar": similar_cases.find_similar_decisions(user, case) if holds and not appealed else [],
        "spans": _spans(case) if opened and Decision.Outcome.REDACT in dict(offered) else None,
        "suspends": Decision.Outcome.SUSPEND in dict(offered),
        "alone": holds and (case.owner_id == user.pk or (appealed and moderation_cases.is_last_decider(user, case))),
        "features": Feature.choices if Decision.Outcome.RESTRICT in dict(offered) else [],
        "days": DURATION_DAYS,
        "appeal": masking.mask_text(appeal or ""),
    }


def _spans(case: Case) -> str:
    """Return personal data that the checks find, and a placeholder per kind of secret, one per line."""
    text = case.snapshot.readable_text
    personal_data = [
        text[start:end]
        for start, end in span_redaction.find_sensitive_spans(text)
        if not masking.holds_secret(text, start, end)
    ]
    return "\n".join(dict.fromkeys([*masking.list_placeholders(text), *personal_data]))


def _break_glass_context(user: User) -> dict[str, Any]:
    """Return how many break-glass requests the user can answer, and how many emergencies are not reviewed."""
    if not access_requests.can_list_requests(user):
        return {"glass": None}
    unreviewed = BreakGlass.objects.filter(emergency=True, reviewed=None)
    return {
        "glass": access_requests.pending_requests(user).count(),
        "emergencies": unreviewed.exclude(user=user).count(),
    }


def _undo_context(user: User) -> dict[str, Any]:
    """Return the user's decision of the last seconds, or the batch, that can be undone, and for how many seconds."""
    since = timezone.now() - timedelta(seconds=moderation_cases.UNDO_S)
    rows = Decision.objects.filter(reviewer=user, undone=None, created__gt=since, case__state=CaseState.DECIDED)
    last = rows.order_by("-created").first()
    if last is not None and last.batch_id is None:
        return {"undo": last, "undo_s": _seconds_until(last.created + timedelta(seconds=moderation_cases.UNDO_S))}
    undoable = bulk_decisions.find_undoable_batch(user)
    if undoable is None:
        return {}
    batch, count = undoable
    ends = (batch.decided or timezone.now()) + timedelta(seconds=bulk_decisions.UNDO_S)
    return {"batch": batch, "batch_count": count, "undo_s": _seconds_until(ends)}


def _seconds_until(at: datetime) -> int:
    return max(1, ceil((at - timezone.now()).total_seconds()))


def _filter_context(user: User, case_filter: CaseFilter) -> dict[str, Any]:
    """Return the form of the filters, and the filter as an address."""
    clauses, kinds = case_queue.list_choices(user)
    return {
        "wanted": case_filter,
        "filter_query": case_filter.query(),
        "cleared": CaseFilter(case_filter.show, sort=case_filter.sort).query(),
        "clauses": sorted(((code, code_labels.clause_label(code)) for code in clauses), key=lambda pair: pair[1]),
        "kinds": sorted(((kind, code_labels.content_type_label(kind)) for kind in kinds), key=lambda pair: pair[1]),
        "ages": case_queue.AGES.items(),
        "claims": ClaimFilter.choices,
        "orders": CaseOrder.choices,
    }


def _get_filter(request: HttpRequest) -> CaseFilter:
    """Return the filter of the list from which the case was opened, as its page sends it back."""
    return case_queue.parse_filter(QueryDict(request.POST.get("filter", "")[:_MAX_QUERY]))


def _redirect_to_case(request: HttpRequest, pk: UUID) -> HttpResponse:
    response = redirect("safety:case", pk)
    response["Location"] += f"?{_get_filter(request).query()}"
    return response


def _redirect_to_queue(request: HttpRequest) -> HttpResponse:
    response = redirect("safety:queue")
    if request.POST.get("filter"):
        response["Location"] += f"?{_get_filter(request).query()}"
    return response


def _redirect_to_next(request: HttpRequest, done: str = "", besides: UUID | None = None) -> HttpResponse:
    """Claim the next case of the queue, or a case that the user holds, and redirect to it; to the queue if there is
    none.

    `done` is what the next page confirms; "": nothing.
    """
    user = get_signed_in_user(request)
    mine = case_queue.filter_cases(user, CaseFilter("mine"))
    for row in [*case_queue.next_cases(user, _get_filter(request))[:5], *mine[:5]]:
        if row.pk == besides:
            continue
        try:
            moderation_cases.claim_case(user, row.pk)
        except ActionRefused:
            continue
        if done:
            messages.success(request, f"{done} {gettext('You have claimed the next case.')}")
        return _redirect_to_case(request, row.pk)
    if done:
        messages.success(request, done)
    return _redirect_to_queue(request)
