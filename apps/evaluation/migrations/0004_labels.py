"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evaluation', '0003_answers_of_golden_questions'),
    ]

    operations = [
        migrations.AlterField(
            model_name='goldenrun',
            name='cause',
            field=models.CharField(choices=[('hand', 'Started manually'), ('index', 'Documents changed'), ('settings', 'Settings changed')], default='hand', max_length=8),
        ),
    ]
