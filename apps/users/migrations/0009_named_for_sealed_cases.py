from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0008_consents_apart'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='handles_sealed',
            field=models.BooleanField(default=False, help_text='Named for cases under sealed clauses; nobody is by their role'),
        ),
    ]
