import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('documents', '0005_cancelling_is_a_state'),
    ]

    operations = [
        migrations.AddField(
            model_name='chunk',
            name='keywords',
            field=models.CharField(blank=True, help_text='Words that a person added: found like a heading', max_length=400),
        ),
        migrations.AddField(
            model_name='segment',
            name='annotated',
            field=models.DateTimeField(blank=True, help_text='When words were last added to a chunk that the files do not know of yet', null=True),
        ),
        migrations.CreateModel(
            name='GroupShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('reader', 'Reader'), ('editor', 'Editor'), ('owner', 'Owner')], default='reader', max_length=8)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_shares', to='documents.collection')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='auth.group')),
            ],
            options={
                'ordering': ['group__name'],
                'constraints': [models.UniqueConstraint(fields=('collection', 'group'), name='one_share_a_group')],
            },
        ),
    ]
