"""Models of moderation: policy versions, frozen texts, cases, decisions and their effects, appeals, notices.

The append-only log is in `apps.safety.audit_log.audit`. Rows about content hold ids, never foreign keys to apps of
higher layers.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.lib.db.encrypted_fields import EncryptedJSON, EncryptedText, UndecryptableText
from apps.lib.db.leases import Leased
from apps.lib.ids import new_id
from apps.safety.audit_log.audit import AuditEntry
from apps.safety.models.break_glass import BreakGlass
from apps.safety.models.case_states import UNDECIDED_STATES, WAITING_STATES, CaseState
from apps.safety.models.detector_outages import DetectorOutage
from apps.safety.models.feature_restrictions import Feature, FeatureRestriction
from apps.safety.models.second_review import SecondReview
from apps.safety.models.strictness import Strictness
from apps.safety.models.user_reference import user_reference
from apps.safety.models.verdict_log import DetectorVersion, OutboundVerdict, RecordedVerdict, ShadowVerdict

__all__ = [
    "AllowedText",
    "Appeal",
    "AppliedEffect",
    "AuditEntry",
    "BiasAudit",
    "BlocklistHit",
    "BreakGlass",
    "BulkDecision",
    "Case",
    "Decision",
    "DetectorOutage",
    "DetectorVersion",
    "FeatureRestriction",
    "Notice",
    "OutboundVerdict",
    "PolicyVersion",
    "RecordedVerdict",
    "SecondReview",
    "ShadowVerdict",
    "Snapshot",
]


class PolicyVersion(models.Model):
    """Version of the policy. A version that is or was live never changes; every change is a new version."""

    class Status(models.TextChoices):
        """State of the version. At most one is LIVE."""

        DRAFT = "draft", gettext_lazy("Draft")
        SHADOW = "shadow", gettext_lazy("Shadow: tested beside the live version, without effect")
        LIVE = "live", gettext_lazy("Live")
        RETIRED = "retired", gettext_lazy("Retired")
        DISCARDED = "dropped", gettext_lazy("Discarded")

    number = models.PositiveIntegerField(unique=True)
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    author = user_reference()  # empty for the version that came with the product
    approver = user_reference()
    # whether the author approved it, because no other administrator could sign in
    self_approved = models.BooleanField(default=False)
    backtest = models.JSONField(null=True, blank=True)  # result of the backtest on past verdicts; needed to go live
    note = models.CharField(max_length=400, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    effective = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="live"), name="one_live_policy"),
            models.CheckConstraint(
                condition=~Q(status="live") | Q(author=None) | Q(approver__isnull=False, backtest__isnull=False),
                name="a_policy_goes_live_with_replay_and_approver",
            ),
            models.CheckConstraint(
                condition=~Q(approver=F("author")) | Q(self_approved=True), name="an_approver_is_not_the_author"
            ),
        ]

    def __str__(self) -> str:
        return f"Policy {self.number}"


class Snapshot(models.Model):
    """Frozen text as it was when it was judged. A database trigger forbids changes.

    The row outlives the text it was taken from. Text and context are stored encrypted (`snapshot_keys.py`); the hash is
    not.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    stage = models.CharField(max_length=12)
    text = EncryptedText()
    sha256 = models.CharField(max_length=64, db_index=True)
    # [{label, text}] of the surrounding content
    context: models.Field[Any, Any] = EncryptedJSON(default=list, blank=True)
    signals = models.JSONField(default=list)  # signals of the detectors, as `evaluation.Signal` writes them
    action = models.CharField(max_length=20, blank=True)
    code = models.CharField(max_length=40, blank=True)
    score = models.FloatField(default=0)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, null=True, related_name="+")
    # strictness that the assistant asked for
    strictness = models.CharField(max_length=12, choices=Strictness.choices, default=Strictness.SITE)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.stage}: {self.code}"

    @property
    def readable(self) -> bool:
        return not isinstance(self.text, UndecryptableText)

    @property
    def readable_text(self) -> str:
        """Text for comparison and training; "" if its key is missing."""
        return self.text if self.readable else ""


class BulkDecision(models.Model):
    """Cases with nearly the same text that one reviewer decides together."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    reviewer = user_reference()
    created = models.DateTimeField(auto_now_add=True)
    decided = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "safety_batch"

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class Case(Leased):
    """Content that a reviewer has to look at. At most one undecided case exists per subject and clause."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20)  # kind of the subject; its Reviewable is registered under it
    subject = models.CharField(max_length=64)
    clause = models.CharField(max_length=40)  # the clause's code
    owner = user_reference()  # user whose content it is
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="cases")
    state = models.CharField(max_length=16, choices=CaseState.choices, default=CaseState.OPEN)
    severity = models.PositiveSmallIntegerField()
    escalated = models.BooleanField(default=False)  # whether it was escalated; then only administrators decide it
    report_count = models.PositiveIntegerField(default=1)  # how often the content was flagged under the clause
    version = models.PositiveIntegerField(default=1)
    holder = user_reference()
    due_at = models.DateTimeField()
    # when the hold by a check ends if nobody decides before
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    hold_expired_at = models.DateTimeField(null=True, blank=True)  # when that hold ended without a decision
    legal_hold = models.BooleanField(default=False)
    batch = models.ForeignKey(BulkDecision, on_delete=models.SET_NULL, null=True, blank=True, related_name="cases")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-severity", "due_at", "created"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "subject", "clause"],
                condition=Q(state__in=sorted(UNDECIDED_STATES)),
                name="one_open_case_a_subject",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-severity", "due_at"], name="cases_in_order")]

    def __str__(self) -> str:
        return f"{self.clause} in a {self.kind}"

    @property
    def waiting(self) -> bool:
        """True until the case, or the appeal, is decided."""
        return self.state in WAITING_STATES

    @property
    def undecided(self) -> bool:
        """True until the case is decided, and again after the decision was undone."""
        return self.state in UNDECIDED_STATES

    @property
    def overdue(self) -> bool:
        return self.waiting and self.due_at < timezone.now()

    @property
    def pseudonym(self) -> str:
        return gettext("User %(number)s") % {"number": str(self.owner_id or 0).zfill(4)}


class Decision(models.Model):
    """Decision of a reviewer with its reason. Never changed except for `undone`; erasure empties `note`."""

    class Outcome(models.TextChoices):
        """Outcome of a decision. UPHOLD and OVERTURN are decisions on an appeal."""

        ALLOW = "allow", gettext_lazy("Allow")
        BLOCK = "block", gettext_lazy("Block")
        WARN = "warn", gettext_lazy("Warn")
        REDACT = "redact", gettext_lazy("Redact")
        BLUR = "blur", gettext_lazy("Blur")
        RESTRICT = "restrict", gettext_lazy("Restrict a feature")
        SUSPEND = "suspend", gettext_lazy("Suspend")
        UPHOLD = "uphold", gettext_lazy("Uphold")
        OVERTURN = "overturn", gettext_lazy("Overturn")

    class Reason(models.TextChoices):
        """Reason that the reviewer chose."""

        CLEAR = "clear", gettext_lazy("Clear violation of the clause")
        CONTEXT = "context", gettext_lazy("The context decides")
        MISTAKE = "mistake", gettext_lazy("The check was wrong")
        REPEATED = "repeated", gettext_lazy("Repeated violation")
        OTHER = "other", gettext_lazy("Other (see the note)")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    case_version = models.PositiveIntegerField()
    reviewer = user_reference()
    owner = user_reference()  # the owner of the case
    first_reviewer = user_reference()  # who made the decision that was appealed
    # whether the reviewer decided about themselves or their own decision, because nobody else could
    self_approved = models.BooleanField(default=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    clause = models.CharField(max_length=40)
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=40)
    note = models.CharField(max_length=1000, blank=True)
    feature = models.CharField(max_length=12, choices=Feature.choices, blank=True)  # restricted feature
    until = models.DateTimeField(null=True, blank=True)  # when the restriction or suspension ends
    batch = models.ForeignKey(BulkDecision, on_delete=models.SET_NULL, null=True, blank=True, related_name="decisions")
    undone = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "case_version"], name="one_decision_a_version"),
            models.CheckConstraint(
                condition=~Q(reviewer=F("owner")) | Q(self_approved=True), name="nobody_decides_their_own_case"
            ),
            models.CheckConstraint(
                condition=~Q(reviewer=F("first_reviewer")) | Q(self_approved=True), name="another_one_decides_an_appeal"
            ),
            models.CheckConstraint(condition=~Q(clause="") & ~Q(reason=""), name="a_decision_cites_a_clause"),
            models.CheckConstraint(
                condition=~Q(outcome="restrict") | (~Q(feature="") & Q(until__isnull=False)),
                name="a_restriction_says_what_and_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} ({self.clause})"


_OUTCOME = Decision.Outcome
# Outcomes of decisions that found the text or picture harmful.
HARMFUL_OUTCOMES = {
    _OUTCOME.BLOCK, _OUTCOME.REDACT, _OUTCOME.BLUR, _OUTCOME.WARN, _OUTCOME.RESTRICT, _OUTCOME.SUSPEND, _OUTCOME.UPHOLD,
}  # fmt: skip


class AppliedEffect(models.Model):
    """Effect of a decision, with what is needed to revert it exactly."""

    class State(models.TextChoices):
        """State of the effect."""

        APPLIED = "applied", gettext_lazy("Applied")
        REVERTED = "reverted", gettext_lazy("Reverted")

    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, related_name="effects")
    name = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    restore_data = models.JSONField(default=dict)  # state before the effect, which reverting restores
    state = models.CharField(max_length=8, choices=State.choices, default=State.APPLIED)

    class Meta:
        db_table = "safety_effect"
        constraints: ClassVar = [models.UniqueConstraint(fields=["decision", "name"], name="one_effect_a_decision")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Appeal(models.Model):
    """Appeal of the owner against a decision, at most one per decision."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="appeal")
    text = models.CharField(max_length=2000)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Appeal {self.pk}"


class Notice(models.Model):
    """Notice as it was sent to the user, word by word, and the key of its message, to show it in other languages."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notices")
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="notices")
    message = models.CharField(max_length=40, blank=True)  # key of the message; empty: stored by a former release
    offers_appeal = models.BooleanField(default=False)
    title = models.CharField(max_length=120)
    text = models.TextField()
    clause = models.CharField(max_length=400, blank=True)
    seen = models.DateTimeField(null=True, blank=True)
    mail_due = models.DateTimeField(null=True, blank=True)  # when the e-mail is to be sent; null: no e-mail
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return self.title


class AllowedText(models.Model):
    """Hash of a text that a reviewer allowed, or whose hold ended; the gate lets exactly this text pass."""

    sha256 = models.CharField(max_length=64, unique=True)
    decision = models.ForeignKey(Decision, on_delete=models.PROTECT, null=True, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="+")  # case of the legal hold

    class Meta:
        db_table = "safety_allowance"
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(decision=None) | ~Q(case=None), name="an_allowance_has_a_cause")
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class BlocklistHit(models.Model):
    """Number of matches of one blocklist on one day."""

    key = models.CharField(max_length=40)  # key of the blocklist, the same in each policy version
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)
    last = models.DateTimeField()

    class Meta:
        db_table = "safety_hit"
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "day"], name="one_row_of_hits_a_day")]

    def __str__(self) -> str:
        return f"{self.key} {self.day}: {self.count}"


class BiasAudit(models.Model):
    """Result of one bias audit (`analytics/bias_audit.py`), under one version of the policy and of the classifiers."""

    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=120)  # version of the text classifiers
    rows = models.JSONField()  # [{group, harmless, noticed, acted, hateful, unnoticed, passed}]
    run_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"Bias {self.created:%Y-%m-%d}"
