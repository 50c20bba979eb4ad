from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('safety', '0006_own_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='mail_due',
            field=models.DateTimeField(blank=True, help_text='From when on it is to be sent; empty: no mail', null=True),
        ),
    ]
