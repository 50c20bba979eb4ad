"""Rename the expected words of golden questions, and the number of questions that an answer run has asked."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0006_help_texts")]

    operations = [
        migrations.RenameField("goldenquestion", "words", "expected_words"),
        migrations.RenameField("answerrun", "asked", "questions_asked"),
    ]
