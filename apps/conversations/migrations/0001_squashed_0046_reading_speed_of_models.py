"""Tables of conversations, in place of the migrations up to `0046_reading_speed_of_models`."""

import apps.conversations.models.share
import apps.lib.ids
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("conversations", name)
        for name in (
            "0001_initial", "0002_retrieved_given", "0003_find_what_is_being_written", "0004_branches",
            "0005_assistants_in_versions", "0006_links_of_an_answer", "0007_finding_and_keeping",
            "0008_what_lies_behind", "0009_narrow_conversations", "0010_questions_in_line",
            "0011_feedback_of_readers", "0012_links_to_conversations", "0013_saved_prompts", "0014_preferences",
            "0015_pictures_of_an_answer", "0016_imports", "0017_tools_of_the_model", "0018_servers_of_tools",
            "0019_chat_models", "0020_filters_of_documents", "0021_attached_pictures",
            "0022_safety_level_of_an_assistant", "0023_captions_of_attached_pictures", "0024_retracted_messages",
            "0025_copies_know_their_origin", "0026_attached_shown_blurred", "0027_tools_told_and_text_recognised",
            "0028_a_sentence_names_its_tool", "0029_sentences_are_quoted_or_supported",
            "0030_only_verified_sentences_shown", "0031_records_hidden_while_withheld",
            "0032_models_by_standard_names", "0033_files_of_a_chat", "0034_labels", "0035_tags",
            "0036_stored_sentences_in_todays_words", "0037_plain_field_names", "0038_shares_of_a_group",
            "0039_plain_help_texts", "0040_names_of_fields", "0041_help_texts_of_messages",
            "0042_review_note_in_todays_words", "0043_strictness_and_ratings", "0044_number_of_chosen_collections",
            "0045_users_and_origin_by_standard_names", "0046_reading_speed_of_models",
        )
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('documents', '0001_squashed_0026_help_texts'),
        ('images', '0001_squashed_0014_standard_field_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Message',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('user', 'Question'), ('assistant', 'Answer')], max_length=12)),
                ('status', models.CharField(choices=[('writing', 'Writing'), ('complete', 'Complete'), ('stopped', 'Stopped'), ('withheld', 'Withheld'), ('failed', 'Failed'), ('interrupted', 'Interrupted')], db_index=True, default='complete', max_length=12)),
                ('text', models.TextField(blank=True)),
                ('client_id', models.CharField(blank=True, max_length=40)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('chosen', models.DateTimeField(blank=True, null=True)),
                ('edited', models.DateTimeField(blank=True, null=True)),
                ('style', models.CharField(blank=True, choices=[('automatic', 'Automatic'), ('quotes', 'Quotes first'), ('model', 'Model only')], max_length=16)),
                ('shown_sentences', models.CharField(blank=True, choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], max_length=16)),
                ('model', models.CharField(blank=True, max_length=255)),
                ('without_documents', models.BooleanField(default=False)),
                ('nothing_found', models.BooleanField(default=False)),
                ('quotes', models.JSONField(blank=True, default=list)),
                ('steps', models.JSONField(blank=True, default=list)),
                ('tools', models.JSONField(blank=True, default=list)),
                ('links', models.JSONField(blank=True, default=list)),
                ('usage', models.JSONField(blank=True, default=dict)),
                ('picture_request', models.JSONField(blank=True, default=dict)),
                ('origin', models.UUIDField(blank=True, db_index=True, null=True)),
                ('retracted', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('ended', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('continues', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.message')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='conversations.message')),
                ('pictures', models.ManyToManyField(blank=True, related_name='answers', to='images.picture')),
            ],
            options={
                'ordering': ['created'],
            },
        ),
        migrations.CreateModel(
            name='Conversation',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(blank=True, max_length=120)),
                ('title_origin', models.CharField(choices=[('question', 'First words of the question'), ('model', 'Model'), ('person', 'User')], default='question', max_length=8)),
                ('tags', models.CharField(blank=True, max_length=320)),
                ('pinned', models.DateTimeField(blank=True, null=True)),
                ('archived', models.DateTimeField(blank=True, null=True)),
                ('deleted', models.DateTimeField(blank=True, null=True)),
                ('seen', models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
                ('chosen_collection_count', models.PositiveIntegerField(default=0)),
                ('sampling', models.JSONField(blank=True, default=dict)),
                ('model', models.CharField(blank=True, max_length=60)),
                ('filters', models.JSONField(blank=True, default=dict)),
                ('imported_from', models.CharField(blank=True, max_length=20)),
                ('imported_key', models.CharField(blank=True, max_length=64)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('changed', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['-changed'],
            },
        ),
        migrations.CreateModel(
            name='ModelProfile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255, unique=True)),
                ('style', models.CharField(choices=[('automatic', 'Automatic'), ('quotes', 'Quotes first'), ('model', 'Model only')], default='automatic', max_length=16)),
                ('shown_sentences', models.CharField(choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], default='automatic', max_length=16)),
                ('reading_right', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('reading_asked', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('measured', models.DateTimeField(blank=True, null=True)),
                ('prompt_tokens_per_s', models.FloatField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ToolServer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=20, unique=True)),
                ('transport', models.CharField(choices=[('http', 'A web address'), ('stdio', 'A program on this server')], default='http', max_length=8)),
                ('address', models.CharField(blank=True, max_length=2000)),
                ('command', models.CharField(blank=True, max_length=40)),
                ('enabled', models.BooleanField(default=True)),
                ('tools', models.JSONField(blank=True, default=list)),
                ('problem', models.CharField(blank=True, max_length=400)),
                ('checked', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='ToolSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64, unique=True)),
                ('permission', models.CharField(choices=[('off', 'Off'), ('ask', 'Asks each time'), ('allowed', 'Allowed')], max_length=8)),
            ],
        ),
        migrations.CreateModel(
            name='AnswerTrace',
            fields=[
                ('answer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='trace', serialize=False, to='conversations.message')),
                ('data', models.BinaryField()),
            ],
            options={
                'db_table': 'conversations_trace',
            },
        ),
        migrations.CreateModel(
            name='RetractedMessage',
            fields=[
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='withdrawn', serialize=False, to='conversations.message')),
                ('fields', models.JSONField()),
                ('citations', models.JSONField(default=list)),
                ('trace', models.BinaryField(default=bytes)),
                ('title', models.JSONField(default=list)),
                ('retracted', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'conversations_withdrawn',
            },
        ),
        migrations.CreateModel(
            name='Assistant',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('everyone', models.BooleanField(default=False)),
                ('is_default', models.BooleanField(default=False)),
                ('name', models.CharField(max_length=80)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('picture', models.BinaryField(blank=True, default=b'')),
                ('instructions', models.TextField(blank=True, max_length=4000)),
                ('examples', models.JSONField(blank=True, default=list)),
                ('starters', models.JSONField(blank=True, default=list)),
                ('style', models.CharField(choices=[('automatic', 'Automatic'), ('quotes', 'Quotes first'), ('model', 'Model only')], default='automatic', max_length=16)),
                ('shown_sentences', models.CharField(choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], default='automatic', max_length=16)),
                ('model', models.CharField(blank=True, max_length=60)),
                ('preset', models.CharField(choices=[('precise', 'Precise'), ('balanced', 'Balanced'), ('creative', 'Creative')], default='balanced', max_length=16)),
                ('sampling', models.JSONField(blank=True, default=dict)),
                ('tools', models.JSONField(blank=True, default=dict)),
                ('strictness', models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('collections', models.ManyToManyField(blank=True, related_name='assistants', to='documents.collection')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='assistants', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-is_default', 'name'],
            },
        ),
        migrations.CreateModel(
            name='AssistantShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('role', models.CharField(choices=[('reader', 'Can use'), ('editor', 'Can edit')], default='reader', max_length=8)),
                ('assistant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='conversations.assistant')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='assistant_shares', to='auth.group')),
            ],
            options={
                'ordering': ['email', 'group__name'],
            },
        ),
        migrations.CreateModel(
            name='AssistantVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content', models.JSONField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('assistant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='conversations.assistant')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='AttachedPicture',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('file', models.FileField(upload_to='attached')),
                ('thumbnail', models.BinaryField(default=bytes)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('status', models.CharField(choices=[('waiting', 'Reading text'), ('ready', 'Ready'), ('held', 'Held for review')], db_index=True, default='waiting', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('unchecked', models.BooleanField(default=False)),
                ('blur', models.CharField(blank=True, max_length=40)),
                ('recognised', models.BooleanField(default=False)),
                ('text', models.TextField(blank=True)),
                ('recognition_problem', models.CharField(blank=True, max_length=400)),
                ('caption', models.TextField(blank=True)),
                ('caption_problem', models.CharField(blank=True, max_length=400)),
                ('was_asked_about', models.BooleanField(default=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attached_pictures', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['created'],
            },
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='conversations.attachedpicture')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='conversations.message')),
            ],
            options={
                'ordering': ['question', 'position'],
            },
        ),
        migrations.AddField(
            model_name='message',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='conversations.conversation'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='assistant',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='conversations.assistant'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='collections',
            field=models.ManyToManyField(blank=True, related_name='conversations', to='documents.collection'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='files',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='conversation', to='documents.collection'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='conversations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_positive', models.BooleanField()),
                ('reasons', models.JSONField(blank=True, default=list)),
                ('note', models.CharField(blank=True, max_length=1000)),
                ('reported', models.DateTimeField(blank=True, null=True)),
                ('handled', models.DateTimeField(blank=True, null=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='feedback', to='conversations.message')),
                ('handler', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-changed'],
            },
        ),
        migrations.CreateModel(
            name='Folder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='folders', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='conversation',
            name='folder',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='conversations', to='conversations.folder'),
        ),
        migrations.CreateModel(
            name='ImportJob',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('total', models.PositiveIntegerField(default=0)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('ended', models.DateTimeField(blank=True, null=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'conversations_import',
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='ImportItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('state', models.CharField(choices=[('imported', 'Imported'), ('known', 'Already imported'), ('skipped', 'Not imported')], max_length=8)),
                ('title', models.CharField(blank=True, max_length=120)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('conversation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.conversation')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='conversations.importjob')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('better', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferred', to='conversations.message')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('worse', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.message')),
            ],
        ),
        migrations.CreateModel(
            name='QueuedQuestion',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('client_id', models.CharField(max_length=40)),
                ('position', models.IntegerField(default=0)),
                ('problem', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='queued', to='conversations.conversation')),
            ],
            options={
                'db_table': 'conversations_queued',
                'ordering': ['position', 'created'],
            },
        ),
        migrations.CreateModel(
            name='SavedPrompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('text', models.TextField(max_length=4000)),
                ('everyone', models.BooleanField(default=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prompts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.CharField(default=apps.conversations.models.share.generate_secret, max_length=64, unique=True)),
                ('enabled', models.BooleanField(default=True)),
                ('sources', models.CharField(choices=[('passages', 'Passages, for users who can read the document'), ('titles', 'Document titles only'), ('none', 'No sources')], default='passages', max_length=8)),
                ('expires', models.DateTimeField(blank=True, null=True)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('conversation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='share', to='conversations.conversation')),
                ('last_message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.message')),
            ],
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('page_number', models.PositiveIntegerField()),
                ('spans', models.JSONField()),
                ('chunk', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='documents.chunk')),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='conversations.conversation')),
                ('document', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='documents.document')),
            ],
            options={
                'ordering': ['conversation', 'number'],
            },
        ),
        migrations.CreateModel(
            name='RetrievedPassage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveIntegerField()),
                ('relevance', models.FloatField()),
                ('cosine', models.FloatField()),
                ('bm25', models.FloatField()),
                ('given_spans', models.JSONField(default=list)),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='retrieved', to='conversations.message')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='retrievals', to='conversations.source')),
            ],
            options={
                'db_table': 'conversations_retrieved',
                'ordering': ['answer', 'rank'],
            },
        ),
        migrations.CreateModel(
            name='Citation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sentence', models.PositiveIntegerField()),
                ('start', models.PositiveIntegerField()),
                ('end', models.PositiveIntegerField()),
                ('source_start', models.PositiveIntegerField(default=0)),
                ('source_end', models.PositiveIntegerField(default=0)),
                ('score', models.FloatField()),
                ('tool', models.CharField(blank=True, max_length=100)),
                ('quoted', models.BooleanField(default=False)),
                ('check_version', models.PositiveSmallIntegerField(default=0)),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='citations', to='conversations.message')),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='conversations.source')),
            ],
            options={
                'ordering': ['answer', 'sentence', '-score'],
            },
        ),
        migrations.CreateModel(
            name='ToolConsent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('call', models.CharField(max_length=8)),
                ('allowed', models.BooleanField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='conversations.message')),
            ],
        ),
        migrations.AddConstraint(
            model_name='assistant',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='one_default_assistant'),
        ),
        migrations.AddConstraint(
            model_name='assistantshare',
            constraint=models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('assistant', 'email'), name='one_share_an_assistant_and_address'),
        ),
        migrations.AddConstraint(
            model_name='assistantshare',
            constraint=models.UniqueConstraint(condition=models.Q(('group__isnull', False)), fields=('assistant', 'group'), name='one_share_an_assistant_and_group'),
        ),
        migrations.AddConstraint(
            model_name='assistantshare',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('email', ''), ('group__isnull', False)), models.Q(models.Q(('email', ''), _negated=True), ('group__isnull', True)), _connector='OR'), name='an_assistant_is_shared_with_an_address_or_a_group'),
        ),
        migrations.AddConstraint(
            model_name='assistantversion',
            constraint=models.UniqueConstraint(fields=('assistant', 'number'), name='one_version_a_number'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.UniqueConstraint(fields=('question', 'picture'), name='one_attachment_a_question_and_picture'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['asked_by', 'status'], name='messages_of_a_person_by_status'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['asked_by', '-created'], name='messages_of_a_person_by_time'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('client_id', ''), _negated=True), fields=('asked_by', 'client_id'), name='one_message_a_client_id'),
        ),
        migrations.AddIndex(
            model_name='feedback',
            index=models.Index(fields=['-changed'], name='feedback_by_time'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.UniqueConstraint(fields=('answer', 'user'), name='one_feedback_a_person_and_answer'),
        ),
        migrations.AddConstraint(
            model_name='folder',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='one_folder_a_name'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['owner', '-changed'], name='conversations_of_a_person'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('deleted__isnull', False)), fields=['deleted'], name='deleted_conversations'),
        ),
        migrations.AddConstraint(
            model_name='conversation',
            constraint=models.UniqueConstraint(condition=models.Q(('imported_key', ''), _negated=True), fields=('owner', 'imported_key'), name='one_import_a_conversation'),
        ),
        migrations.AddConstraint(
            model_name='importjob',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'waiting')), fields=('owner',), name='one_waiting_import_a_person'),
        ),
        migrations.AddConstraint(
            model_name='importitem',
            constraint=models.UniqueConstraint(fields=('job', 'position'), name='one_item_a_position'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.UniqueConstraint(fields=('user', 'better', 'worse'), name='one_preference_a_pair'),
        ),
        migrations.AddConstraint(
            model_name='preference',
            constraint=models.CheckConstraint(condition=models.Q(('better', models.F('worse')), _negated=True), name='two_answers_are_compared'),
        ),
        migrations.AddConstraint(
            model_name='queuedquestion',
            constraint=models.UniqueConstraint(fields=('conversation', 'client_id'), name='one_queued_a_client_id'),
        ),
        migrations.AddConstraint(
            model_name='savedprompt',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='one_prompt_a_name'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.CheckConstraint(condition=models.Q(('sources__in', ['passages', 'titles', 'none'])), name='known_way_to_share'),
        ),
        migrations.AddConstraint(
            model_name='source',
            constraint=models.UniqueConstraint(fields=('conversation', 'number'), name='one_source_a_number'),
        ),
        migrations.AddConstraint(
            model_name='toolconsent',
            constraint=models.UniqueConstraint(fields=('answer', 'call'), name='one_consent_a_call'),
        ),
    ]
