"""A notice that staff read a conversation by break-glass access."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0017_help_texts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='usernotice',
            name='details',
            field=models.JSONField(blank=True, default=dict, help_text='by: who shared it; ready, failed: documents; reading: by_administrator, listed, approval'),
        ),
        migrations.AlterField(
            model_name='usernotice',
            name='kind',
            field=models.CharField(choices=[('collection', 'Collection shared'), ('assistant', 'Assistant shared'), ('group', 'Added to a group'), ('documents', 'Documents ready'), ('answer', 'Answer ready'), ('reading', 'Conversation read by staff')], max_length=12),
        ),
    ]
