"""Pages for the user concerned: notices of decisions, how to appeal, and who read the user's content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.lib.refusals import show_refusals
from apps.safety.break_glass import access_requests
from apps.safety.errors import ActionRefused
from apps.safety.models import AppliedEffect, AuditEntry, Case, Decision, Notice, SecondReview, feature_restrictions
from apps.safety.models.break_glass import AUDIT_SUBJECT, BreakGlass
from apps.safety.models.case_states import UNDECIDED_STATES, WAITING_STATES
from apps.safety.moderation import appeals, enforcement, reviewable
from apps.safety.moderation.decision_notices import translate_notices
from apps.safety.moderation.reviewable import ContentLocation
from apps.safety.policy.evaluation import REPORTED, SELF_HARM
from apps.safety.policy.schema import Stage
from apps.safety.templatetags.review import count_unseen
from apps.users import notices
from apps.users.models import User, UserNotice
from apps.users.permissions import get_signed_in_user

LISTED = 200  # notices and readings, the latest
ROWS = 20  # of a page of one topic
SHORT = 5  # rows of a topic on the page of all topics
_TOPICS = {  # values of `show`, in the order of the page
    "": gettext_lazy("All"), "decisions": gettext_lazy("Decisions"), "appealable": gettext_lazy("Can be appealed"),
    "joining": gettext_lazy("Asked for an account"), "account": gettext_lazy("Your account"),
    "shared": gettext_lazy("Shared with you"),
    "documents": gettext_lazy("Documents"), "answers": gettext_lazy("Answers"),
    "reads": gettext_lazy("Who read my data"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoticeCard:
    """Latest notice about a case, with the location of its content and the earlier notices that it replaces."""

    notice: Notice
    location: ContentLocation | None
    excerpt: str
    is_over: bool
    due_at: datetime | None  # when the review is due; None if none is pending
    earlier: tuple[Notice, ...]
    is_open: bool  # the decision is pending
    can_appeal: bool

    @property
    def name(self) -> str:
        """Return the title of the content, or its first words; "" if the user may see neither."""
        return (self.location.title if self.location else "") or self.excerpt


@dataclass(frozen=True, slots=True)
class Reading:
    """Reading of the user's content by staff; `card` is the notice about the case that was read, if there is one."""

    entry: AuditEntry
    card: NoticeCard | None
    url: str  # of the card; of a break-glass access, of the conversation
    title: str
    is_new: bool = False


@require_safe
@login_required
def show_notices(request: HttpRequest) -> HttpResponse:
    """Show the user's notices and the readings of their content. Reviewers are not named."""
    user = get_signed_in_user(request)
    cards, topics = _cards(user), notices.list_notices(user)
    readings = _readings(user, cards)
    notices.mark_notices_seen(user)
    Notice.objects.filter(user=user, seen=None).update(seen=timezone.now())
    restrictions = feature_restrictions.active_restrictions().filter(user=user)
    show = request.GET.get("show", "") if request.GET.get("show", "") in _TOPICS else ""
    listed = cards if show else sorted(cards, key=lambda card: card.notice.seen is not None)  # new ones first
    appealable = [card for card in cards if card.can_appeal]
    rows_by_topic: dict[str, Sequence[Any]] = {
        "decisions": listed, "appealable": appealable, **topics, "reads": readings
    }  # fmt: skip
    if any(reading.is_new for reading in readings):
        rows_by_topic = {"reads": readings, **rows_by_topic}
    shown = {
        topic: Paginator(rows, ROWS if show else SHORT).get_page(request.GET.get("page") if show else 1)
        for topic, rows in rows_by_topic.items()
        if topic == show or (not show and topic != "appealable")  # they are among the decisions
    }
    for topic in ("decisions", "appealable"):
        for card in shown.get(topic, ()):
            translate_notices([card.notice, *card.earlier])
    tabs = [(topic, label) for topic, label in _TOPICS.items() if topic in ("", "reads", show) or rows_by_topic[topic]]
    context = {
        "shown": shown,
        "show": show,
        "tabs": tabs,
        "closed": restrictions,
        "empty": not any(rows_by_topic.values()),
    }
    return render(request, "safety/notices.html", context)


@require_safe
@login_required
def check_notices(request: HttpRequest) -> HttpResponse:
    """Return the number of unseen notices, and those after `?since=` (seconds since 1970) with title and page."""
    user, now = get_signed_in_user(request), timezone.now()
    try:
        since = datetime.fromtimestamp(float(request.GET.get("since", "")), UTC)
    except (ValueError, OverflowError, OSError):
        since = now
    new_notices = [{"id": row.pk, "title": row.title, "url": row.url} for row in notices.list_new_notices(user, since)]
    return JsonResponse({"count": count_unseen(user), "now": now.timestamp(), "notices": new_notices})


@require_POST
@login_required
def dismiss_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Dismiss the notices about the subject of this one: the user looks at its page, which may have dismissed it."""
    user = get_signed_in_user(request)
    if row := UserNotice.objects.filter(user=user, pk=pk).first():
        notices.dismiss_notices(user, row.subject)
    return HttpResponse(status=204)


@require_POST
@login_required
def submit_appeal(request: HttpRequest, pk: int) -> HttpResponse:
    """Submit an appeal against the decision of a notice."""
    user = get_signed_in_user(request)
    notice = Notice.objects.filter(user=user, pk=pk).select_related("case", "decision").first()
    if notice is None:
        raise Http404
    with show_refusals(request, ActionRefused):
        appeal = appeals.submit_appeal(user, notice, request.POST.get("text", ""))
        message = gettext("Appeal sent. A reviewer will decide by %(due)s, and you will be told here.")
        messages.success(request, message % {"due": appeals.format_due_day(appeal)})
    urls = (url for card, url in _link_cards(_cards(user)) if card.notice.case_id == notice.case_id)
    return redirect(next(urls, reverse("safety:notices")))


def _link_cards(cards: Sequence[NoticeCard]) -> list[tuple[NoticeCard, str]]:
    """Return each card with the URL of its place in the list of decisions."""
    place = reverse("safety:notices")
    return [
        (card, f"{place}?show=decisions&page={number // ROWS + 1}#notice-{card.notice.pk}")
        for number, card in enumerate(cards)
    ]


def _readings(user: User, cards: Sequence[NoticeCard]) -> list[Reading]:
    """Return the readings of the user's content with the notices about what was read: break-glass access first, then
    the latest."""
    rows = AuditEntry.objects.filter(user=user.pk, kind="read").exclude(actor=user.pk).order_by("-seq")
    glass = rows.filter(subject__startswith=AUDIT_SUBJECT)[:LISTED]  # shown even if there are many later readings
    entries = sorted({*rows[:LISTED], *glass}, key=lambda one: (not one.subject.startswith(AUDIT_SUBJECT), -one.seq))
    by_subject = {f"case {card.notice.case_id}": (card, url) for card, url in _link_cards(cards)}
    second = SecondReview.objects.filter(case__in=[card.notice.case_id for card in cards])
    for pk, case in second.values_list("pk", "case"):
        by_subject[f"opinion {pk}"] = by_subject[f"case {case}"]
    readers = User.objects.in_bulk({entry.actor for entry in entries if entry.actor})
    accesses = _BreakGlassReadings(user)
    return [
        accesses.describe(entry, readers.get(entry.actor))
        if entry.subject.startswith(AUDIT_SUBJECT)
        else _describe_reading(entry, readers.get(entry.actor), *by_subject.get(entry.subject, (None, "")))
        for entry in entries
    ]


def _describe_reading(entry: AuditEntry, reader: User | None, card: NoticeCard | None, url: str) -> Reading:
    title = gettext("An administrator") if reader and reader.is_administrator else gettext("A reviewer")
    return Reading(entry, card, url, title if entry.actor else gettext("The operator of this server"))


class _BreakGlassReadings:
    """Readings of a user's conversations by break-glass access, with the notices that told the user of them."""

    def __init__(self, user: User) -> None:
        self._accesses = {row.subject: row for row in BreakGlass.objects.filter(user=user)}
        self._notices: dict[tuple[str, bool], UserNotice] = {}
        for notice in notices.list_reading_notices(user):
            self._notices.setdefault((f"{AUDIT_SUBJECT}{notice.subject}", notice.is_listing), notice)

    def describe(self, entry: AuditEntry, reader: User | None) -> Reading:
        """Return the reading; one of which no notice is left is described by its entry."""
        listed, access = not entry.payload.get("texts"), self._accesses.get(entry.subject)
        notice = self._notices.get((entry.subject, listed)) or UserNotice(
            kind=UserNotice.Kind.READING, details=access_requests.describe_reading(access, reader, listed=listed)
        )
        url = ""
        if access and access.conversation and not listed:
            url = reverse("conversations:conversation", args=[access.conversation])
        return Reading(entry, None, url, notice.title, is_new=notice.pk is not None and notice.seen is None)


def _cards(user: User) -> list[NoticeCard]:
    """Return a card for each case of which the user was told: those that can be appealed, pending ones, then others;
    the latest first."""
    rows = Notice.objects.filter(user=user).select_related("case__snapshot", "decision", "decision__appeal")
    by_case: dict[Any, list[Notice]] = {}
    for row in rows.order_by("-created", "-pk")[:LISTED]:
        row.can_appeal = appeals.can_appeal(row)  # type: ignore[attr-defined]
        by_case.setdefault(row.case_id, []).append(row)
    latest = [notices_of_case[0] for notices_of_case in by_case.values()]
    locations = _locate_contents(user, [row.case for row in latest])
    effects_of = AppliedEffect.objects.filter(decision__in=[row.decision_id for row in latest if row.decision_id])
    applied = set(effects_of.filter(state=AppliedEffect.State.APPLIED).values_list("decision", "name"))
    cards = []
    for row in latest:
        case, location = row.case, locations.get((row.case.kind, row.case.subject))
        live = case.state in UNDECIDED_STATES and row.decision_id is None
        cards.append(
            NoticeCard(
                row,
                location,
                _excerpt(case, location),
                _is_over(row, applied),
                case.due_at if live else None,
                tuple(by_case[row.case_id][1:]),
                is_open=case.state in WAITING_STATES,
                can_appeal=row.can_appeal,  # type: ignore[attr-defined]
            )
        )
    return sorted(cards, key=lambda card: (not card.can_appeal, not card.is_open))


def _locate_contents(user: User, cases: Sequence[Case]) -> dict[tuple[str, str], ContentLocation]:
    """Return the locations of the content of the cases by kind and subject, with a query or two per kind."""
    subjects: dict[str, set[str]] = {}
    for case in cases:
        subjects.setdefault(case.kind, set()).add(case.subject)
    locations: dict[tuple[str, str], ContentLocation] = {}
    for kind, wanted in subjects.items():
        if isinstance(kind_reviewable := reviewable.get_reviewable(kind), reviewable.Locatable):
            locations |= {
                (kind, subject): location for subject, location in kind_reviewable.locate(user, wanted).items()
            }
    return locations


def _excerpt(case: Case, location: ContentLocation | None) -> str:
    """Return the user's own text, never withheld text of a model; "" if unknown."""
    if case.clause in (SELF_HARM, REPORTED):
        return ""
    if location is not None and location.excerpt:
        return location.excerpt
    return str(case.snapshot.readable_text) if case.snapshot.stage in (Stage.QUESTION, Stage.PASSAGE) else ""


def _is_over(row: Notice, applied: Collection[tuple[UUID, str]]) -> bool:
    """Return whether the notice's statement no longer holds and no later notice says so."""
    decision = row.decision
    if decision is None:
        return row.case.state not in UNDECIDED_STATES
    if decision.outcome not in enforcement.FIRST_OUTCOMES or decision.outcome == Decision.Outcome.ALLOW:
        return False
    named = {Decision.Outcome.SUSPEND: "suspend", Decision.Outcome.RESTRICT: "restrict"}.get(
        Decision.Outcome(decision.outcome)
    )
    holds = any(pk == decision.pk and named in (None, name) for pk, name in applied)
    return not holds or bool(decision.until and decision.until < timezone.now())
