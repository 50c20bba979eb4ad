"""Name the user of ratings and preferences, and the program that a conversation was imported from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0044_number_of_chosen_collections")]

    operations = [
        migrations.RenameField("conversation", "imported", "imported_from"),
        migrations.RemoveConstraint("feedback", "one_feedback_a_person_and_answer"),
        migrations.RenameField("feedback", "person", "user"),
        migrations.AddConstraint(
            "feedback",
            models.UniqueConstraint(fields=["answer", "user"], name="one_feedback_a_person_and_answer"),
        ),
        migrations.RemoveConstraint("preference", "one_preference_a_pair"),
        migrations.RenameField("preference", "person", "user"),
        migrations.AddConstraint(
            "preference", models.UniqueConstraint(fields=["user", "better", "worse"], name="one_preference_a_pair")
        ),
    ]
