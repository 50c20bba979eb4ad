"""Tables of images, in place of the migrations up to `0014_standard_field_names`."""

import apps.lib.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("images", name)
        for name in (
            "0001_pictures", "0002_held", "0003_behind_marks_and_meaning", "0004_unchecked", "0005_level",
            "0006_hash_of_pixels", "0007_start", "0008_mask", "0009_shown_blurred", "0010_presets",
            "0011_what_can_only_be_pictograms", "0012_models_by_standard_names", "0013_labels",
            "0014_standard_field_names",
        )
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Picture',
            fields=[
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=apps.lib.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('batch', models.UUIDField(db_index=True, default=apps.lib.ids.new_id)),
                ('from_parent', models.BooleanField(default=False)),
                ('start', models.FileField(blank=True, upload_to='starts')),
                ('start_sha256', models.CharField(blank=True, max_length=64)),
                ('mask', models.FileField(blank=True, upload_to='masks')),
                ('mask_sha256', models.CharField(blank=True, max_length=64)),
                ('prompt', models.TextField()),
                ('negative', models.TextField(blank=True)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('steps', models.PositiveSmallIntegerField()),
                ('guidance', models.FloatField()),
                ('strength', models.FloatField(default=0.6)),
                ('scheduler', models.CharField(blank=True, max_length=60)),
                ('seed', models.PositiveBigIntegerField()),
                ('upscale', models.PositiveSmallIntegerField(default=0)),
                ('model', models.CharField(max_length=200)),
                ('fingerprint', models.CharField(blank=True, max_length=80)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('working', 'In progress'), ('ready', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('held', 'Withheld for review')], db_index=True, default='queued', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('preview', models.BinaryField(default=bytes)),
                ('file', models.FileField(blank=True, upload_to='pictures')),
                ('sha256', models.CharField(blank=True, db_index=True, max_length=64)),
                ('plain_sha256', models.CharField(blank=True, max_length=64)),
                ('watermark_id', models.PositiveBigIntegerField(blank=True, db_index=True, null=True)),
                ('step_ms', models.JSONField(blank=True, default=list)),
                ('alignment', models.FloatField(blank=True, null=True)),
                ('aligned_by', models.CharField(blank=True, max_length=200)),
                ('vector', models.BinaryField(default=bytes)),
                ('vector_embedder', models.CharField(blank=True, max_length=200)),
                ('seconds', models.FloatField(default=0)),
                ('model_seconds', models.FloatField(default=0)),
                ('is_reduced', models.BooleanField(default=False)),
                ('pictogram', models.BooleanField(default=False)),
                ('unchecked', models.BooleanField(default=False)),
                ('blur', models.CharField(blank=True, max_length=40)),
                ('level', models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', max_length=12)),
                ('favourite', models.BooleanField(default=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('changed', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='variants', to='images.picture')),
                ('repeat_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='repetitions', to='images.picture')),
            ],
            options={
                'ordering': ['-created', '-seed'],
            },
        ),
        migrations.CreateModel(
            name='Preset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('settings', models.JSONField(default=dict)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presets', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('owner', 'name'), name='one_preset_a_name')],
            },
        ),
        migrations.CreateModel(
            name='PreviewFrame',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.PositiveSmallIntegerField()),
                ('preview', models.BinaryField()),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='frames', to='images.picture')),
            ],
            options={
                'db_table': 'images_frame',
                'ordering': ['picture', 'step'],
                'constraints': [models.UniqueConstraint(fields=('picture', 'step'), name='one_frame_a_step')],
            },
        ),
    ]
