"""Tables of documents, in place of the migrations up to `0026_help_texts`."""

import apps.lib.ids
import apps.reading.parsing.formats
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("documents", name)
        for name in (
            "0001_initial", "0002_chunk_flag", "0003_pending_shares_and_refused_uploads", "0004_index_care",
            "0005_cancelling_is_a_state", "0006_groups_and_keywords", "0007_notes_languages_and_boxes",
            "0008_count_marked_passages", "0009_pieces_of_pages", "0010_web_pages",
            "0011_builds_beside_the_live_index", "0012_folders_of_the_server", "0012_where_segments_are",
            "0013_versions", "0014_duplicates", "0015_how_documents_were_read", "0016_when_an_index_was_rebuilt",
            "0017_a_document_is_withheld", "0018_scanned_pages_without_text", "0019_pages_know_their_recogniser",
            "0020_chunks_of_segments", "0021_removals_confirmed", "0022_models_by_standard_names",
            "0023_files_of_chats", "0024_labels", "0025_standard_field_names", "0026_help_texts",
        )
    ]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('everyone', models.BooleanField(default=False)),
                ('name', models.CharField(max_length=120)),
                ('description', models.CharField(blank=True, max_length=400)),
                ('search_settings', models.JSONField(blank=True, default=dict)),
                ('of_chat', models.BooleanField(default=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='collections', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='IndexMaintenance',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('collection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='maintenance', serialize=False, to='documents.collection')),
                ('rebuild_reason', models.CharField(blank=True, max_length=200)),
                ('rebuilt', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'db_table': 'documents_indexcare',
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('path', models.CharField(blank=True, max_length=500)),
                ('title', models.CharField(blank=True, max_length=255)),
                ('file', models.FileField(blank=True, max_length=200, upload_to='documents')),
                ('sha256', models.CharField(blank=True, db_index=True, max_length=64)),
                ('url', models.CharField(blank=True, max_length=2000)),
                ('fetched', models.DateTimeField(blank=True, null=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('sync_folder', models.CharField(blank=True, max_length=255)),
                ('modified_ns', models.BigIntegerField(blank=True, null=True)),
                ('size', models.PositiveBigIntegerField()),
                ('kind', models.CharField(blank=True, choices=apps.reading.parsing.formats.list_kinds, max_length=16)),
                ('language', models.CharField(blank=True, max_length=8)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('withheld', models.CharField(blank=True, max_length=400)),
                ('parser_version', models.CharField(blank=True, max_length=64)),
                ('embedded_title', models.CharField(blank=True, max_length=255)),
                ('chunking_version', models.CharField(blank=True, max_length=64)),
                ('pages_without_text', models.JSONField(blank=True, null=True)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('working', 'In progress'), ('ready', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('quarantined', 'Could not be read'), ('replaced', 'Earlier version')], db_index=True, default='queued', max_length=16)),
                ('stage', models.CharField(blank=True, choices=[('fetch', 'Fetching the page'), ('sniff', 'Checking the file'), ('parse', 'Reading pages'), ('scan', 'Recognising text'), ('screen', 'Safety check'), ('chunk', 'Splitting into passages'), ('embed', 'Embedding'), ('index', 'Adding to the index')], max_length=8)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('pages_count', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='documents', to='documents.collection')),
                ('replaces', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='documents.document')),
                ('uploaded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='uploads', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created', 'name'],
            },
        ),
        migrations.CreateModel(
            name='FolderSync',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('folder', models.CharField(max_length=255)),
                ('pending', models.BooleanField(default=False)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('confirmed', models.PositiveIntegerField(default=0)),
                ('problems', models.JSONField(default=list)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('collection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='folder_sync', to='documents.collection')),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
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
            },
        ),
        migrations.CreateModel(
            name='IndexBuild',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('search_settings', models.JSONField(blank=True, default=dict)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('building', 'Building'), ('built', 'Ready'), ('kept', 'Previous version'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('has_own_chunks', models.BooleanField(default=False)),
                ('swap_when_built', models.BooleanField(default=False)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('ended', models.DateTimeField(blank=True, null=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='builds', to='documents.collection')),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('reader', 'Reader'), ('editor', 'Editor'), ('owner', 'Owner')], default='reader', max_length=8)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='documents.collection')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='collection',
            name='members',
            field=models.ManyToManyField(related_name='shared_collections', through='documents.Membership', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Page',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('text', models.TextField(blank=True)),
                ('width', models.FloatField(default=0)),
                ('height', models.FloatField(default=0)),
                ('boxes', models.JSONField(blank=True, null=True)),
                ('ocr_key', models.CharField(blank=True, default='', max_length=64)),
                ('block_spans', models.JSONField(blank=True, null=True)),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='documents.document')),
            ],
            options={
                'ordering': ['document', 'number'],
            },
        ),
        migrations.CreateModel(
            name='PendingMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('reader', 'Reader'), ('editor', 'Editor'), ('owner', 'Owner')], default='reader', max_length=8)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_shares', to='documents.collection')),
            ],
            options={
                'db_table': 'documents_pendingshare',
                'ordering': ['email'],
            },
        ),
        migrations.CreateModel(
            name='RefusedUpload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('reason', models.CharField(max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refused_uploads', to='documents.collection')),
                ('duplicate_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='documents.document')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refused_uploads', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField()),
                ('dimension', models.PositiveIntegerField()),
                ('fingerprint', models.CharField(max_length=120)),
                ('kind', models.CharField(max_length=16)),
                ('backend', models.CharField(blank=True, default='local', max_length=80)),
                ('checksum', models.CharField(max_length=64)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('build', models.PositiveBigIntegerField(default=0)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('stale_since', models.DateTimeField(blank=True, null=True)),
                ('retired', models.DateTimeField(blank=True, null=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='documents.collection')),
            ],
            options={
                'ordering': ['created'],
            },
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('page_number', models.PositiveIntegerField()),
                ('char_start', models.PositiveIntegerField()),
                ('char_end', models.PositiveIntegerField()),
                ('heading', models.CharField(blank=True, max_length=400)),
                ('text', models.TextField()),
                ('tokens', models.PositiveIntegerField()),
                ('vector', models.BinaryField(default=b'')),
                ('fingerprint', models.CharField(blank=True, max_length=120)),
                ('enabled', models.BooleanField(default=True)),
                ('keywords', models.CharField(blank=True, max_length=400)),
                ('flag', models.CharField(blank=True, max_length=60)),
                ('build', models.PositiveBigIntegerField(default=0)),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='documents.document')),
                ('segment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='chunks', to='documents.segment')),
            ],
            options={
                'ordering': ['document', 'position'],
            },
        ),
        migrations.CreateModel(
            name='SegmentCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('backend', models.CharField(max_length=80)),
                ('info', models.JSONField()),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('segment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='backend_copy', to='documents.segment')),
            ],
            options={
                'db_table': 'documents_preparedsegment',
            },
        ),
        migrations.AddIndex(
            model_name='document',
            index=models.Index(models.F('created'), condition=models.Q(('pages_without_text__isnull', False)), name='docs_unread'),
        ),
        migrations.AddConstraint(
            model_name='groupshare',
            constraint=models.UniqueConstraint(fields=('collection', 'group'), name='one_share_a_group'),
        ),
        migrations.AddConstraint(
            model_name='indexbuild',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'building', 'built'])), fields=('collection',), name='one_open_build_a_collection'),
        ),
        migrations.AddConstraint(
            model_name='indexbuild',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'kept')), fields=('collection',), name='one_kept_build_a_collection'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('collection', 'user'), name='one_membership_a_person'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('of_chat', False), ('everyone', False), _connector='OR'), name='files_of_chats_are_private'),
        ),
        migrations.AddConstraint(
            model_name='page',
            constraint=models.UniqueConstraint(fields=('document', 'number'), name='one_row_a_page'),
        ),
        migrations.AddConstraint(
            model_name='pendingmembership',
            constraint=models.UniqueConstraint(fields=('collection', 'email'), name='one_pending_share_an_address'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(fields=['segment', 'build'], name='chunks_of_segments'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('enabled', False)), fields=['document'], name='chunks_switched_off'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('keywords', ''), _negated=True), fields=['document'], name='chunks_with_keywords'),
        ),
        migrations.AddIndex(
            model_name='chunk',
            index=models.Index(condition=models.Q(('flag', ''), _negated=True), fields=['document'], name='chunks_flagged'),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.UniqueConstraint(fields=('document', 'position', 'build'), name='one_chunk_a_position_of_a_build'),
        ),
    ]
