"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('privacy', '0004_models_by_standard_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='caselegalhold',
            name='ground',
            field=models.CharField(choices=[('order', 'a court order or an order of an authority'), ('duty', 'a legal obligation'), ('claims', 'legal claims')], help_text='What its person is told', max_length=8),
        ),
        migrations.AlterField(
            model_name='retentionrule',
            name='scope',
            field=models.CharField(choices=[('site', 'Conversations of all users'), ('person', 'All conversations of a user'), ('conversation', 'One conversation'), ('collection', 'The documents of a collection')], max_length=12),
        ),
    ]
