"""Help texts of fields and related names in plain words; nothing happens in the database."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0025_standard_field_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='chunk',
            name='keywords',
            field=models.CharField(blank=True, help_text='Words that a user added; found like a heading', max_length=400),
        ),
        migrations.AlterField(
            model_name='collection',
            name='search_settings',
            field=models.JSONField(blank=True, default=dict, help_text='Settings of chunking and search that differ from the default'),
        ),
        migrations.AlterField(
            model_name='document',
            name='chunking_version',
            field=models.CharField(blank=True, help_text='Digest of the settings that made its live chunks; empty: unknown', max_length=64),
        ),
        migrations.AlterField(
            model_name='document',
            name='embedded_title',
            field=models.CharField(blank=True, help_text='Title in the metadata of the file', max_length=255),
        ),
        migrations.AlterField(
            model_name='document',
            name='fetched',
            field=models.DateTimeField(blank=True, help_text='Time of fetching a web page; null: a file, or not yet', null=True),
        ),
        migrations.AlterField(
            model_name='document',
            name='language',
            field=models.CharField(blank=True, help_text='ISO 639-1 code of its text; empty: unknown', max_length=8),
        ),
        migrations.AlterField(
            model_name='document',
            name='modified_ns',
            field=models.BigIntegerField(blank=True, help_text='Modification time of the synced file when it was stored, ns since 1970', null=True),
        ),
        migrations.AlterField(
            model_name='document',
            name='note',
            field=models.CharField(blank=True, help_text='Sentences about what parsing left out', max_length=400),
        ),
        migrations.AlterField(
            model_name='document',
            name='pages_without_text',
            field=models.JSONField(blank=True, help_text='Numbers of scanned pages that were not recognised, and why (ingestion/ocr.py)', null=True),
        ),
        migrations.AlterField(
            model_name='document',
            name='parser_version',
            field=models.CharField(blank=True, help_text='Digest of the parsers that read it; empty: its content is not reused', max_length=64),
        ),
        migrations.AlterField(
            model_name='document',
            name='path',
            field=models.CharField(blank=True, help_text="Folders above the file when it was uploaded, 'a/b', for display only; empty: none", max_length=500),
        ),
        migrations.AlterField(
            model_name='document',
            name='reason',
            field=models.CharField(blank=True, help_text='Reason of a failure, with what to do', max_length=400),
        ),
        migrations.AlterField(
            model_name='document',
            name='replaces',
            field=models.ForeignKey(blank=True, help_text='Document of which this row is a waiting or an earlier version; null: a document of its own', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='documents.document'),
        ),
        migrations.AlterField(
            model_name='document',
            name='sync_folder',
            field=models.CharField(blank=True, help_text='Folder in SYNC_DIR from which it is synced; empty: uploaded or fetched', max_length=255),
        ),
        migrations.AlterField(
            model_name='document',
            name='url',
            field=models.CharField(blank=True, help_text='URL of a web page; empty: a file', max_length=2000),
        ),
        migrations.AlterField(
            model_name='document',
            name='withheld',
            field=models.CharField(blank=True, help_text='Reason why a reviewer excluded it from all answers; empty: it is used', max_length=400),
        ),
        migrations.AlterField(
            model_name='foldersync',
            name='confirmed',
            field=models.PositiveIntegerField(default=0, help_text='Number of removals that the user has confirmed'),
        ),
        migrations.AlterField(
            model_name='foldersync',
            name='pending',
            field=models.BooleanField(default=False, help_text='True until the sync is done'),
        ),
        migrations.AlterField(
            model_name='foldersync',
            name='problems',
            field=models.JSONField(default=list, help_text='Files that could not be stored: [path, reason]'),
        ),
        migrations.AlterField(
            model_name='indexbuild',
            name='done',
            field=models.PositiveIntegerField(default=0, help_text='Documents chunked and embedded'),
        ),
        migrations.AlterField(
            model_name='indexbuild',
            name='ended',
            field=models.DateTimeField(blank=True, help_text='Time when it was built, failed or was replaced', null=True),
        ),
        migrations.AlterField(
            model_name='indexbuild',
            name='has_own_chunks',
            field=models.BooleanField(default=False, help_text='False: it is searched in the live chunks'),
        ),
        migrations.AlterField(
            model_name='indexbuild',
            name='swap_when_built',
            field=models.BooleanField(default=False, help_text='True: it replaces the live index as soon as it is built'),
        ),
        migrations.AlterField(
            model_name='indexmaintenance',
            name='collection',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='maintenance', serialize=False, to='documents.collection'),
        ),
        migrations.AlterField(
            model_name='indexmaintenance',
            name='rebuild_reason',
            field=models.CharField(blank=True, help_text='Reason of a requested rebuild; empty: none is needed', max_length=200),
        ),
        migrations.AlterField(
            model_name='indexmaintenance',
            name='rebuilt',
            field=models.DateTimeField(blank=True, help_text='Time of the last full rebuild; null: never', null=True),
        ),
        migrations.AlterField(
            model_name='page',
            name='block_spans',
            field=models.JSONField(blank=True, help_text='Blocks that the parser found: [kind, level, start, end]', null=True),
        ),
        migrations.AlterField(
            model_name='page',
            name='ocr_key',
            field=models.CharField(blank=True, default='', help_text='Digest of file content and OCR version; empty: the text did not come from OCR', max_length=64),
        ),
        migrations.AlterField(
            model_name='refusedupload',
            name='duplicate_of',
            field=models.ForeignKey(help_text='Document that already has this content', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='documents.document'),
        ),
        migrations.AlterField(
            model_name='segment',
            name='retired',
            field=models.DateTimeField(blank=True, help_text='Time of its replacement; searches under way may still read its files', null=True),
        ),
        migrations.AlterField(
            model_name='segment',
            name='stale_since',
            field=models.DateTimeField(blank=True, help_text='Time since when chunks have words that the files of the index lack; null: none', null=True),
        ),
        migrations.AlterField(
            model_name='segmentcopy',
            name='segment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='backend_copy', to='documents.segment'),
        ),
    ]
