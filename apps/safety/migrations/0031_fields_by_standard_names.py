"""Name fields of cases, effects, verdicts and preferences by their standard terms. Columns keep their data; the column
of the append-only audit log keeps its name."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("safety", "0030_labels")]

    operations: ClassVar = [
        # Indexes and constraints name fields, so they are dropped before and made anew after the renames.
        migrations.RemoveIndex("case", "cases_in_order"),
        migrations.RemoveConstraint("case", "one_open_case_a_subject"),
        migrations.RemoveConstraint("policyversion", "a_policy_goes_live_with_replay_and_approver"),
        migrations.RemoveConstraint("outboundverdict", "one_verdict_on_what_leaves"),
        migrations.RemoveConstraint("secondreview", "a_second_look_is_by_somebody_else"),
        migrations.AlterModelOptions("case", {"ordering": ["-severity", "due_at", "created"]}),
        migrations.RenameField("case", "area", "clause"),
        migrations.RenameField("case", "times", "report_count"),
        migrations.RenameField("case", "due", "due_at"),
        migrations.RenameField("case", "held_until", "hold_expires_at"),
        migrations.RenameField("case", "lapsed", "hold_expired_at"),
        migrations.RenameField("appliedeffect", "before", "restore_data"),
        migrations.RenameField("policyversion", "replay", "backtest"),
        migrations.RenameField("recordedverdict", "mark", "content_hmac"),
        migrations.RenameField("recordedverdict", "allowance", "allowlisted"),
        migrations.RenameField("outboundverdict", "mark", "content_hmac"),
        migrations.RenameField("outboundverdict", "judged", "checked"),
        migrations.RenameField("secondreview", "first", "first_reviewer"),
        migrations.RenameField("secondreview", "given", "submitted"),
        migrations.RenameField("reviewerpreferences", "covered", "covers_severe"),
        migrations.RenameField("reviewerpreferences", "without", "skipped_clauses"),
        migrations.AlterField("auditentry", "before", models.CharField(db_column="before", max_length=64)),
        migrations.RenameField("auditentry", "before", "previous_sha256"),
        migrations.AddIndex("case", models.Index(fields=["state", "-severity", "due_at"], name="cases_in_order")),
        migrations.AddConstraint(
            "case",
            models.UniqueConstraint(
                fields=["kind", "subject", "clause"],
                condition=Q(state__in=["claimed", "escalated", "open"]),
                name="one_open_case_a_subject",
            ),
        ),
        migrations.AddConstraint(
            "policyversion",
            models.CheckConstraint(
                condition=~Q(status="live") | Q(author=None) | Q(approver__isnull=False, backtest__isnull=False),
                name="a_policy_goes_live_with_replay_and_approver",
            ),
        ),
        migrations.AddConstraint(
            "outboundverdict",
            models.UniqueConstraint(fields=["stage", "content_hmac"], name="one_verdict_on_what_leaves"),
        ),
        migrations.AddConstraint(
            "secondreview",
            models.CheckConstraint(
                condition=~Q(reviewer=F("first_reviewer")), name="a_second_look_is_by_somebody_else"
            ),
        ),
        migrations.AlterField(
            "appliedeffect",
            "restore_data",
            models.JSONField(default=dict, help_text="State before the effect, which reverting restores"),
        ),
        migrations.AlterField(
            "case",
            "hold_expired_at",
            models.DateTimeField(blank=True, help_text="When that hold ended without a decision", null=True),
        ),
        migrations.AlterField(
            "case",
            "hold_expires_at",
            models.DateTimeField(blank=True, help_text="When a hold by a check ends without a decision", null=True),
        ),
        migrations.AlterField(
            "case",
            "report_count",
            models.PositiveIntegerField(default=1, help_text="How often the content was flagged under the clause"),
        ),
        migrations.AlterField(
            "policyversion",
            "backtest",
            models.JSONField(
                blank=True, help_text="Result of the backtest on past verdicts; needed to go live", null=True
            ),
        ),
        migrations.AlterField(
            "recordedverdict",
            "allowlisted",
            models.BooleanField(default=False, help_text="A reviewer had allowed exactly this text, so it passed"),
        ),
        migrations.AlterField(
            "secondreview",
            "case",
            models.ForeignKey(
                blank=True, null=True, on_delete=models.PROTECT, related_name="second_reviews", to="safety.case"
            ),
        ),
        migrations.AlterField(
            "secondreview",
            "decision",
            models.OneToOneField(
                blank=True, null=True, on_delete=models.PROTECT, related_name="second_review", to="safety.decision"
            ),
        ),
        migrations.AlterField(
            "secondreview",
            "snapshot",
            models.ForeignKey(on_delete=models.PROTECT, related_name="second_reviews", to="safety.snapshot"),
        ),
    ]
