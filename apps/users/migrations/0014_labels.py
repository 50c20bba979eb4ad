"""Labels of choices and help texts in the words of the pages; nothing happens in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('users', '0013_notices'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ratelimit',
            name='resource',
            field=models.CharField(choices=[('messages', 'Questions'), ('tokens', 'Model tokens'), ('pictures', 'Pictures'), ('uploads', 'Files and web pages'), ('sign_ins', 'Failed sign-ins')], max_length=12),
        ),
        migrations.AlterField(
            model_name='ratelimit',
            name='scope',
            field=models.CharField(choices=[('person', 'Each user'), ('group', 'All users of a group together'), ('address', 'Each network address')], max_length=8),
        ),
        migrations.AlterField(
            model_name='sitesettings',
            name='signup',
            field=models.CharField(choices=[('open', 'Open: anyone can sign up'), ('invitation', 'By invitation'), ('closed', 'Closed')], default='invitation', max_length=16),
        ),
    ]
