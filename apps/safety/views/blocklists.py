"""Pages of blocklists, for administrators: hits per day, and a form to edit, try and draft a list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.safety import code_labels
from apps.safety.analytics import metrics
from apps.safety.models import PolicyVersion
from apps.safety.policy import versions
from apps.safety.policy.blocklist_matcher import ENTRIES
from apps.safety.policy.schema import (
    NAMES,
    PATTERNS,
    WORDS,
    Action,
    Blocklist,
    PolicyError,
    Stage,
    is_applicable,
    parse_policy,
)
from apps.safety.policy_admin import blocklist_drafts
from apps.users.models import User
from apps.users.permissions import administrator_required, get_signed_in_user

NEW = "new"
_USUAL = [stage.value for stage in (Stage.QUESTION, Stage.ANSWER, Stage.PASSAGE)]


class BlocklistForm(forms.Form):
    """Form of a blocklist, with a text to try it on."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), widget=forms.RadioSelect, initial=WORDS,
        choices=[
            (WORDS, gettext_lazy("Words and phrases")), (NAMES, gettext_lazy("Names, in any spelling")),
            (PATTERNS, gettext_lazy("Patterns (RE2)")),
        ],
    )  # fmt: skip
    entries = forms.CharField(
        label=gettext_lazy("Entries"), max_length=400_000, widget=forms.Textarea(attrs={"rows": 8, "class": "code"}),
        help_text=gettext_lazy("One per line. Capital and look-alike letters make no difference."),
    )  # fmt: skip
    code = forms.ChoiceField(label=gettext_lazy("Clause"))
    action = forms.ChoiceField(label=gettext_lazy("Action"), initial=Action.REVIEW)
    stages = forms.MultipleChoiceField(
        label=gettext_lazy("Applies to"),
        widget=forms.CheckboxSelectMultiple,
        initial=_USUAL,
        help_text=gettext_lazy(
            "Picture: the prompt of a picture, such as names of people or brands. Export and link: content "
            "that leaves a conversation as a file or by a link."
        ),
    )
    owner = forms.ModelChoiceField(
        label=gettext_lazy("Owner"), queryset=User.objects.none(), empty_label=None,
        help_text=gettext_lazy("Responsible for the list, and reviews it when it ends."),
    )  # fmt: skip
    expires = forms.DateField(
        label=gettext_lazy("Last day"), required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("After this day the list no longer applies. Leave empty for no end."),
    )  # fmt: skip
    note = forms.CharField(label=gettext_lazy("Note"), max_length=400, required=False)
    sample = forms.CharField(
        label=gettext_lazy("Test text"), required=False, max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Only compared with the entries above, not saved."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clauses = parse_policy(versions.get_live_version().body).clauses
        choices: dict[str, list[tuple[str, str]]] = {
            "code": [(code, code_labels.clause_label(code)) for code in clauses],
            "action": [
                (action.value, code_labels.action_label(action)) for action in Action if is_applicable(action, "", None)
            ],
            "stages": [(stage.value, code_labels.stage_label(stage)) for stage in Stage],
        }
        for name, pairs in choices.items():
            self.fields[name].choices = pairs  # type: ignore[attr-defined]
        staff = User.objects.exclude(role=User.Role.MEMBER).filter(is_active=True).order_by("name", "email")
        self.fields["owner"].queryset = staff  # type: ignore[attr-defined]

    def clean_entries(self) -> list[str]:
        found = list(dict.fromkeys(line.strip() for line in self.cleaned_data["entries"].splitlines() if line.strip()))
        if not found or len(found) > ENTRIES:
            raise forms.ValidationError(gettext("Enter 1 to %(most)s entries.") % {"most": ENTRIES})
        return found

    def clean_expires(self) -> Any:
        day = self.cleaned_data["expires"]
        if day is not None and day < timezone.now().date():
            raise forms.ValidationError(gettext("This day is in the past. Choose a later day, or leave it empty."))
        return day

    def to_json(self, key: str) -> dict[str, Any]:
        """Return the blocklist as JSON of the policy."""
        data = {name: self.cleaned_data[name] for name in ("name", "kind", "entries", "code", "action", "stages")}
        day = self.cleaned_data["expires"]
        ends = {"owner": self.cleaned_data["owner"].pk, "expires": day.isoformat() if day else ""}
        return {"key": key, **data, **ends, "note": self.cleaned_data["note"]}


@require_safe
@never_cache
@administrator_required
def show_blocklists(request: HttpRequest) -> HttpResponse:
    """Show the live and drafted blocklists with their hits per day."""
    rows = blocklist_drafts.list_blocklists(metrics.WINDOW_DAYS)
    highest = max((count for row in rows for _, count in row.hits_per_day), default=0) or 1
    rows_with_bars = [
        (
            row,
            [
                (8 * at, 32 - 32 * count / highest, 32 * count / highest)
                for at, (_, count) in enumerate(row.hits_per_day)
            ],
        )
        for row in rows
    ]
    return render(
        request,
        "safety/blocklists.html",
        {"rows": rows_with_bars, "days": metrics.WINDOW_DAYS, "chart_width": 8 * metrics.WINDOW_DAYS},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@administrator_required
def edit_blocklist(request: HttpRequest, name: str) -> HttpResponse:
    """Show the form of a blocklist; a POST tries it, saves it in a draft of the policy, or drafts a policy without
    it."""
    user = get_signed_in_user(request)
    blocklist = blocklist_drafts.find_blocklist(user, name)
    if blocklist is None and name != NEW:
        raise Http404
    context: dict[str, Any] = {"blocklist": blocklist}
    form = BlocklistForm(request.POST if request.method == "POST" else None, initial=_initial(user, blocklist))
    if request.method == "POST" and request.POST.get("do") == "remove" and blocklist is not None:
        return _drafted(request, blocklist_drafts.remove_blocklist(user, blocklist.key))
    if request.method == "POST" and form.is_valid():
        row = form.to_json(blocklist.key if blocklist else blocklist_drafts.make_key())
        try:
            if request.POST.get("do") == "keep":
                return _drafted(request, blocklist_drafts.save_blocklist(user, row))
            parsed = blocklist_drafts.parse_blocklist(row)
            sample = form.cleaned_data["sample"]
            context |= {
                "dry_run": blocklist_drafts.run_dry_run(user, parsed),
                "has_sample": bool(sample),
                "matching_entries": blocklist_drafts.find_matching_entries(parsed, sample),
            }
        except PolicyError as error:
            form.add_error("entries", str(error))
    context |= {"form": form, "version": versions.get_draft_base(user)}
    return render(request, "safety/blocklist.html", context, status=422 if form.errors else 200)


def _drafted(request: HttpRequest, version: PolicyVersion) -> HttpResponse:
    message = gettext("Saved as draft %(row)s. Test it on past verdicts; then another administrator approves it.")
    messages.success(request, message % {"row": code_labels.version_label(version)})
    return redirect("safety:policy")


def _initial(user: User, blocklist: Blocklist | None) -> dict[str, Any]:
    if blocklist is None:
        return {"owner": user.pk}
    return {
        "name": blocklist.name,
        "kind": blocklist.kind,
        "entries": "\n".join(blocklist.entries),
        "code": blocklist.code,
        "action": blocklist.action.value,
        "stages": [stage.value for stage in blocklist.stages],
        "owner": blocklist.owner,
        "expires": blocklist.expires,
        "note": blocklist.note,
    }
