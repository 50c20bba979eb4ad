"""Renames models; each keeps its table, so nothing happens in the database."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("safety", "0027_no_delayed_disclosure")]
    operations: ClassVar = [
        migrations.AlterModelTable(name="event", table="safety_event"),
        migrations.RenameModel(old_name="Event", new_name="AuditEntry"),
        migrations.AlterModelTable(name="hit", table="safety_hit"),
        migrations.RenameModel(old_name="Hit", new_name="BlocklistHit"),
        migrations.AlterModelTable(name="degraded", table="safety_degraded"),
        migrations.RenameModel(old_name="Degraded", new_name="DetectorOutage"),
        migrations.AlterModelTable(name="detector", table="safety_detector"),
        migrations.RenameModel(old_name="Detector", new_name="DetectorVersion"),
        migrations.AlterModelTable(name="restriction", table="safety_restriction"),
        migrations.RenameModel(old_name="Restriction", new_name="FeatureRestriction"),
        migrations.AlterModelTable(name="care", table="safety_care"),
        migrations.RenameModel(old_name="Care", new_name="ReviewerPreferences"),
        migrations.AlterModelTable(name="opinion", table="safety_opinion"),
        migrations.RenameModel(old_name="Opinion", new_name="SecondReview"),
        migrations.AlterModelTable(name="recorded", table="safety_recorded"),
        migrations.RenameModel(old_name="Recorded", new_name="RecordedVerdict"),
        migrations.AlterModelTable(name="shadowed", table="safety_shadowed"),
        migrations.RenameModel(old_name="Shadowed", new_name="ShadowVerdict"),
        migrations.AlterModelTable(name="leaving", table="safety_leaving"),
        migrations.RenameModel(old_name="Leaving", new_name="OutboundVerdict"),
        migrations.AlterModelTable(name="effect", table="safety_effect"),
        migrations.RenameModel(old_name="Effect", new_name="AppliedEffect"),
        migrations.AlterModelTable(name="allowance", table="safety_allowance"),
        migrations.RenameModel(old_name="Allowance", new_name="AllowedText"),
        migrations.AlterModelTable(name="batch", table="safety_batch"),
        migrations.RenameModel(old_name="Batch", new_name="BulkDecision"),
    ]
