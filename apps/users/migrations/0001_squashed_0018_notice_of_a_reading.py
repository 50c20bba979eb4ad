"""Tables of users, in place of the migrations up to `0018_notice_of_a_reading`."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("users", name)
        for name in (
            "0001_initial", "0002_personal_tokens", "0003_instructions_of_a_person", "0004_lending_of_answers",
            "0005_limits", "0006_facts_of_a_person", "0007_language_of_a_person", "0008_consents_apart",
            "0009_named_for_sealed_cases", "0010_named_for_break_glass", "0011_no_reading_at_random",
            "0012_models_by_standard_names", "0013_notices", "0014_labels", "0015_notice_of_a_group",
            "0016_fields_by_standard_names", "0017_help_texts", "0018_notice_of_a_reading",
        )
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='RateLimitBucket',
            fields=[
                ('key', models.CharField(max_length=120, primary_key=True, serialize=False)),
                ('level', models.FloatField()),
                ('updated', models.FloatField(db_index=True)),
            ],
            options={
                'db_table': 'users_bucket',
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('name', models.CharField(blank=True, max_length=120)),
                ('role', models.CharField(choices=[('member', 'Member'), ('reviewer', 'Reviewer'), ('administrator', 'Administrator')], default='member', max_length=16)),
                ('instructions', models.TextField(blank=True, max_length=2000)),
                ('facts', models.JSONField(blank=True, default=list)),
                ('language', models.CharField(blank=True, max_length=8)),
                ('uses_memory', models.BooleanField(default=True)),
                ('allows_training_on_answers', models.BooleanField(default=False)),
                ('allows_training_on_decisions', models.BooleanField(default=False)),
                ('may_open_sealed_cases', models.BooleanField(default=False)),
                ('may_break_glass', models.BooleanField(default=False)),
                ('is_active', models.BooleanField(default=True)),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('scopes', models.JSONField(default=list)),
                ('secret_hash', models.CharField(max_length=64, unique=True)),
                ('secret_suffix', models.CharField(max_length=4)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('expires', models.DateTimeField(blank=True, null=True)),
                ('last_used', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'users_token',
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret_hash', models.CharField(max_length=64, unique=True)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('expires', models.DateTimeField()),
                ('invited_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to=settings.AUTH_USER_MODEL)),
                ('used_by', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='invitation', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='SiteSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('signup', models.CharField(choices=[('open', 'Open: anyone can sign up'), ('invitation', 'By invitation'), ('closed', 'Closed')], default='invitation', max_length=16)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_row_of_site_settings')],
            },
        ),
        migrations.CreateModel(
            name='RateLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('person', 'Each user'), ('group', 'All users of a group together'), ('address', 'Each network address')], max_length=8)),
                ('resource', models.CharField(choices=[('messages', 'Questions'), ('tokens', 'Model tokens'), ('pictures', 'Pictures'), ('uploads', 'Files and web pages'), ('sign_ins', 'Failed sign-ins')], max_length=12)),
                ('burst', models.PositiveIntegerField()),
                ('per_hour', models.PositiveIntegerField()),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='limits', to='auth.group')),
            ],
            options={
                'db_table': 'users_limit',
                'constraints': [models.UniqueConstraint(condition=models.Q(('group', None)), fields=('scope', 'resource'), name='one_limit_a_resource'), models.UniqueConstraint(fields=('group', 'resource'), name='one_limit_a_group_and_resource'), models.CheckConstraint(condition=models.Q(models.Q(('group__isnull', False), ('scope', 'group')), models.Q(models.Q(('scope', 'group'), _negated=True), ('group', None)), _connector='OR'), name='a_limit_of_a_group_names_it')],
            },
        ),
        migrations.CreateModel(
            name='UserNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('collection', 'Collection shared'), ('assistant', 'Assistant shared'), ('group', 'Added to a group'), ('documents', 'Documents ready'), ('answer', 'Answer ready'), ('reading', 'Conversation read by staff')], max_length=12)),
                ('subject', models.CharField(max_length=36)),
                ('name', models.CharField(max_length=120)),
                ('details', models.JSONField(blank=True, default=dict)),
                ('seen', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='user_notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created'],
                'indexes': [models.Index(fields=['user', '-created'], name='notices_of_a_user')],
            },
        ),
    ]
