"""Name the wrong citations of answer runs as the rest of the product does."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0004_labels")]

    operations: ClassVar = [
        migrations.RenameModel("WrongPill", "WrongCitation"),
        migrations.AlterField(
            model_name="wrongcitation",
            name="run",
            field=models.ForeignKey(
                on_delete=models.CASCADE, related_name="wrong_citations", to="evaluation.answerrun"
            ),
        ),
    ]
