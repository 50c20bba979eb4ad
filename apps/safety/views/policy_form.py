"""Form of the policy's clauses, for administrators: it saves a draft, and counts what a threshold would change."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.forms.boundfield import BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.safety import code_labels
from apps.safety.models import PolicyVersion
from apps.safety.policy import defaults, versions
from apps.safety.policy.schema import ACTION_ORDER, Action, FailureMode, PolicyError, Stage, is_applicable, parse_policy
from apps.safety.policy_admin import backtest, threshold_examples, version_diff
from apps.users.permissions import administrator_required, get_signed_in_user

PREVIEW_DAYS = 30  # days of recorded verdicts that are counted
PREVIEW_S = 2.0  # seconds after which counting ends
_LOWEST = 1e-6  # least threshold; scores are stored with six digits


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """Threshold of a clause with its action."""

    label: str  # for screen readers
    min_score: BoundField
    action: BoundField


@dataclass(frozen=True, slots=True)
class StageRows:
    """Thresholds of a clause at a stage. The last row is empty, for a new threshold, unless every action has one."""

    label: str
    rows: list[ThresholdRow]
    is_used: bool  # a row has a threshold or an error
    meaning: str  # of its scores: "share" of texts that break the clause, "guard", or "picture"


@dataclass(frozen=True, slots=True)
class ClauseFields:
    """Fields of a clause; empty as long as the form is without them."""

    code: str
    title: str
    severity: int
    is_drawn: bool
    fields: list[BoundField]  # title and text
    effects: list[BoundField]  # severity, action of a rule, failure of a check
    stages: list[StageRows]
    has_errors: bool
    examples: list[threshold_examples.ScoredExample]


class PolicyForm(forms.Form):
    """Form of the clauses of a policy body. Names of fields begin with the clause's code.

    The page fetches the fields of a clause when the clause is opened. A clause whose fields were not sent is unchanged.
    """

    note = forms.CharField(
        label=gettext_lazy("What changes, and why"), max_length=400,
        error_messages={"required": gettext_lazy("Enter what changes, and why. The approver reads it.")},
    )  # fmt: skip

    def __init__(self, body: Mapping[str, Any], data: Any = None, drawn: Container[str] | None = None) -> None:
        """`drawn` are the codes of the clauses with fields; None: those in `data`, or all without data."""
        super().__init__(data)
        self.body = defaults.add_missing_clauses(body)
        self.policy = parse_policy(self.body)
        self._counts: dict[tuple[str, Stage], int] = {}
        for row in self.body["clauses"]:
            if row["code"] in drawn if drawn is not None else data is None or f"{row['code']}-title" in data:
                self._add_clause(row)

    def _add_clause(self, row: Mapping[str, Any]) -> None:
        code = row["code"]
        clause = self.policy.clauses[code]
        rules = [
            (option.value, code_labels.action_label(option)) for option in Action if is_applicable(option, code, None)
        ]
        fails = [(option.value, version_diff.fail_label(option)) for option in FailureMode]
        text = forms.Textarea(attrs={"rows": 3})
        self.fields |= {
            f"{code}-title": forms.CharField(label=gettext("Title"), max_length=80, initial=clause.title),
            f"{code}-text": forms.CharField(label=gettext("Text"), max_length=600, initial=clause.text, widget=text),
            f"{code}-severity": forms.TypedChoiceField(
                label=gettext("Severity"), coerce=int, choices=[(n, code_labels.severity_label(n)) for n in range(5)],
                initial=row["severity"],
            ),
            f"{code}-rule": forms.ChoiceField(
                label=gettext("If a rule matches"), choices=rules, initial=row["rule"]
            ),
            f"{code}-fail": forms.ChoiceField(label=gettext("If a check fails"), choices=fails, initial=row["fail"]),
        }  # fmt: skip
        for stage in Stage:
            self._add_thresholds(code, stage, row.get("steps", {}).get(stage.value, []))

    def _add_thresholds(self, code: str, stage: Stage, thresholds: list[Mapping[str, Any]]) -> None:
        actions = [action for action in Action if is_applicable(action, code, stage)]
        choices = [(action.value, code_labels.action_label(action)) for action in actions]
        count = self._counts[code, stage] = min(len(thresholds) + 1, len(actions))
        last = ACTION_ORDER.index(Action(thresholds[-1]["action"])) if thresholds else -1
        following = next((action for action in actions if ACTION_ORDER.index(action) > last), actions[-1])
        for n in range(count):
            threshold = thresholds[n] if n < len(thresholds) else {"least": None, "action": following.value}
            position = {"stage": code_labels.stage_label(stage), "number": n + 1}
            labels = (
                gettext("%(stage)s: threshold %(number)s") % position,
                gettext("%(stage)s: action %(number)s") % position,
            )
            number = forms.NumberInput(attrs={"step": "any", "min": 0, "max": 1, "aria-label": labels[0]})
            message = gettext("Enter a number above 0, at most 1.")
            self.fields[f"{code}-{stage}-{n}-least"] = forms.FloatField(
                label=labels[0], required=False, min_value=_LOWEST, max_value=1, widget=number,
                initial=_two_decimals(threshold["least"]),
                error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), message),
            )  # fmt: skip
            self.fields[f"{code}-{stage}-{n}-action"] = forms.ChoiceField(
                label=labels[1], choices=choices, initial=threshold["action"],
                widget=forms.Select(attrs={"aria-label": labels[1]}),
            )  # fmt: skip

    def clean(self) -> None:
        """Check that thresholds of a stage ask for stricter actions with higher scores.

        A threshold may be lower than the one before it only if its action is milder.
        """
        for code, stage in self._counts:
            thresholds = sorted(self._thresholds(code, stage))
            for (low, mild, lower), (high, hard, n) in pairwise(thresholds):
                if low == high:
                    self.add_error(f"{code}-{stage}-{n}-least", gettext("Another action has this threshold already."))
                elif ACTION_ORDER.index(Action(mild)) < ACTION_ORDER.index(Action(hard)):
                    continue
                elif lower > n:
                    message = gettext("%(score)s is below the threshold before it (%(before)s).")
                    scores = {"score": code_labels.score_label(low), "before": code_labels.score_label(high)}
                    self.add_error(f"{code}-{stage}-{lower}-least", message % scores)
                else:
                    self.add_error(
                        f"{code}-{stage}-{n}-action",
                        gettext("Choose a stricter action than the one at the lower threshold."),
                    )

    def clause_errors(self, code: str) -> list[str]:
        """Return the errors of the clause's fields, each after the label of its field."""
        return [
            f"{self.fields[name].label}: {' '.join(map(str, errors))}"
            for name, errors in self.errors.items()
            if name.startswith(f"{code}-")
        ]

    def clauses(self, *codes: str) -> list[Mapping[str, Any]]:
        """Return the clauses as JSON of the policy; as they were: others than `codes`, if any are given, and those
        without fields."""
        return [
            row if (codes and row["code"] not in codes) or not self.is_drawn(row["code"]) else self._clause(row)
            for row in self.body["clauses"]
        ]

    def is_drawn(self, code: str) -> bool:
        """Return whether the form has the fields of the clause."""
        return f"{code}-title" in self.fields

    def grouped(self) -> Iterator[ClauseFields]:
        """Yield the clauses with their fields, for the page."""
        for row in self.body["clauses"]:
            code = row["code"]
            is_drawn = self.is_drawn(code)
            stages = [self._stage(code, stage) for stage in Stage] if is_drawn else []
            stages.sort(key=lambda one: not one.is_used)
            names = ("title", "text", "severity", "rule", "fail") if is_drawn else ()
            fields = [self[f"{code}-{name}"] for name in names]
            yield ClauseFields(
                code,
                self.policy.clauses[code].title,
                row["severity"],
                is_drawn,
                fields[:2],
                fields[2:],
                stages,
                bool(self.clause_errors(code)),
                threshold_examples.score_examples(code) if is_drawn else [],
            )

    def _stage(self, code: str, stage: Stage) -> StageRows:
        names = [f"{code}-{stage}-{n}" for n in range(self._counts[code, stage])]
        rows = [
            ThresholdRow(str(self.fields[f"{name}-least"].label), self[f"{name}-least"], self[f"{name}-action"])
            for name in names
        ]
        used = any(row.min_score.value() not in (None, "") or row.min_score.errors or row.action.errors for row in rows)
        return StageRows(code_labels.stage_label(stage), rows, used, _get_meaning(code, stage))

    def _thresholds(self, code: str, stage: Stage) -> list[tuple[float, str, int]]:
        """Return threshold, action and number of each filled row."""
        names = [(n, f"{code}-{stage}-{n}") for n in range(self._counts[code, stage])]
        sent = self.cleaned_data
        pairs = [(sent.get(f"{name}-least"), sent.get(f"{name}-action"), n) for n, name in names]
        return [(score, action, n) for score, action, n in pairs if score is not None and action]

    def _clause(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        code, sent = row["code"], self.cleaned_data
        thresholds = {
            stage.value: [
                {"least": score, "action": action} for score, action, _ in sorted(self._thresholds(code, stage))
            ]
            for stage in Stage
        }
        changed = {name: sent[f"{code}-{name}"] for name in ("title", "text", "severity", "rule", "fail")}
        return {**row, **changed, "steps": {stage: rows for stage, rows in thresholds.items() if rows}}


def _get_meaning(code: str, stage: Stage) -> str:
    """Return what the scores of a clause mean at a stage, as `StageRows.meaning`."""
    if stage == Stage.PICTURE:
        return "picture"
    return "share" if threshold_examples.is_scored_by_classifier(code) else "guard"


def _two_decimals(score: Any) -> str | None:
    """Return the value of a number field: as on the other pages, without the marks of a language."""
    if score is None:
        return None
    return f"{score:.2f}" if round(score, 2) == score else str(score)


@administrator_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit_policy(request: HttpRequest) -> HttpResponse:
    """Show the form of the clauses; a POST saves them as a draft."""
    user, base = get_signed_in_user(request), _get_base(request)
    is_sent = request.method == "POST"
    form = (
        PolicyForm(base.body, request.POST) if is_sent else PolicyForm(base.body, drawn=request.GET.getlist("clause"))
    )
    if is_sent and form.is_valid():
        body = {**form.body, "clauses": form.clauses()}
        if not version_diff.compare_policies(form.policy, parse_policy(body)):
            form.add_error(None, gettext("You have not changed anything."))
        else:
            try:
                return redirect_from_draft(
                    request, versions.save_clauses(user, base, form.clauses(), form.cleaned_data["note"])
                )
            except PolicyError as error:
                form.add_error(None, str(error))
    context = {"form": form, "base": base, "days": PREVIEW_DAYS, "clauses": list(form.grouped())}
    return render(request, "safety/policy_form.html", context, status=422 if form.errors else 200)


@require_POST
@administrator_required
def preview_clause(request: HttpRequest, code: str) -> HttpResponse:
    """Return how many recorded verdicts the clause, as it stands in the form, would change."""
    user, live = get_signed_in_user(request), versions.get_live_version()
    form = PolicyForm(_get_base(request).body, request.POST)
    if not form.is_drawn(code):
        raise Http404
    context: dict[str, Any] = {"days": PREVIEW_DAYS, "errors": form.clause_errors(code)}
    context["title"] = form.policy.clauses[code].title
    if not context["errors"]:
        mine = next(row for row in form.clauses(code) if row["code"] == code)
        rows = defaults.add_missing_clauses(live.body)["clauses"]
        body = {**live.body, "clauses": [mine if row["code"] == code else row for row in rows]}
        try:
            context["preview"] = backtest.preview_changes(user, body, PREVIEW_DAYS, PREVIEW_S)
        except PolicyError as error:
            context["errors"] = [str(error)]
    return render(request, "safety/_policy_preview.html", context)


@require_safe
@administrator_required
@never_cache
def show_clause(request: HttpRequest, code: str) -> HttpResponse:
    """Return the fields of a clause as a fragment, for the form when the clause is opened."""
    form = PolicyForm(_get_base(request).body, drawn=[code])
    clause = next((one for one in form.grouped() if one.is_drawn), None)
    if clause is None:
        raise Http404
    return render(request, "safety/_clause_fields.html", {"clause": clause})


def _get_base(request: HttpRequest) -> PolicyVersion:
    """Return the version that the page was made from; for a new page, the one that the user's next change builds on."""
    sent = request.POST if request.method == "POST" else request.GET
    number = sent.get("base", "")[:9]
    known = number.isascii() and number.isdecimal()
    return versions.get_draft_base(get_signed_in_user(request), int(number) if known else 0)


def redirect_from_draft(request: HttpRequest, row: PolicyVersion) -> HttpResponse:
    """Redirect to the versions of the policy, and say what happens next with the draft."""
    message = gettext("%(row)s saved as a draft. Test it on past verdicts; then another administrator approves it.")
    messages.success(request, message % {"row": code_labels.version_label(row)})
    return redirect("safety:policy")
