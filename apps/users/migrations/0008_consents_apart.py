from django.db import migrations, models


class Migration(migrations.Migration):
    """One consent had two meanings. What was given before keeps the first; the others begin as not given."""

    dependencies = [
        ('users', '0007_language_of_a_person'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='lends_decisions',
            field=models.BooleanField(default=False, help_text='Decided texts of theirs may be used to train the checks'),
        ),
        migrations.AddField(
            model_name='user',
            name='read_at_random',
            field=models.BooleanField(default=False, help_text='Reviewers may read texts of theirs that are drawn at random'),
        ),
    ]
