"""Remove the rollout of a policy to a share of people: a version that was live for some becomes a draft again."""

from django.db import migrations, models
from django.db.models import Q


def withdraw(apps, schema_editor):
    rows = apps.get_model("safety", "PolicyVersion").objects.filter(status="partial")
    rows.update(status="draft", share=0, approver=None, effective=None, self_approved=False)


class Migration(migrations.Migration):
    dependencies = [("safety", "0022_self_approved_and_discarded")]

    operations = [
        migrations.RunPython(withdraw, migrations.RunPython.noop),
        migrations.RemoveConstraint("policyversion", "one_policy_live_in_part"),
        migrations.RemoveConstraint("policyversion", "a_policy_live_in_part_has_a_share"),
        migrations.RemoveConstraint("policyversion", "a_policy_goes_live_with_replay_and_approver"),
        migrations.RemoveField("policyversion", "share"),
        migrations.AlterField(
            "policyversion",
            "status",
            models.CharField(
                choices=[
                    ("draft", "Draft"), ("shadow", "Shadow: judged beside the live one, without effect"),
                    ("live", "Live"), ("retired", "Retired"), ("dropped", "Discarded"),
                ],
                default="draft", max_length=8,
            ),
        ),
        migrations.AddConstraint(
            "policyversion",
            models.CheckConstraint(
                condition=~Q(status="live") | Q(author=None) | Q(approver__isnull=False, replay__isnull=False),
                name="a_policy_goes_live_with_replay_and_approver",
            ),
        ),
    ]  # fmt: skip
