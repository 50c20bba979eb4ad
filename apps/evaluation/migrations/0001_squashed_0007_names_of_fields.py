"""Tables of evaluation, in place of the migrations up to `0007_names_of_fields`."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    replaces = [
        ("evaluation", name)
        for name in (
            "0001_golden_questions", "0002_runs_of_builds", "0003_answers_of_golden_questions", "0004_labels",
            "0005_wrong_citations", "0006_help_texts", "0007_names_of_fields",
        )
    ]

    dependencies = [
        ('documents', '0001_squashed_0026_help_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AnswerRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('model', models.CharField(blank=True, max_length=255)),
                ('questions', models.PositiveIntegerField(default=0)),
                ('questions_asked', models.PositiveIntegerField(default=0)),
                ('answered', models.PositiveIntegerField(default=0)),
                ('sentences', models.PositiveIntegerField(default=0)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('finished', models.DateTimeField(blank=True, null=True)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answer_runs', to='documents.collection')),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='GoldenQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=500)),
                ('page_number', models.PositiveIntegerField(default=0)),
                ('char_start', models.PositiveIntegerField(default=0)),
                ('char_end', models.PositiveIntegerField(default=0)),
                ('quote', models.CharField(blank=True, max_length=200)),
                ('expected_words', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='golden_questions', to='documents.collection')),
                ('document', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='documents.document')),
            ],
            options={
                'ordering': ['created', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='GoldenRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lease_token', models.CharField(blank=True, default='', max_length=32)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('cause', models.CharField(choices=[('hand', 'Started manually'), ('index', 'Documents changed'), ('settings', 'Settings changed')], default='hand', max_length=8)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('index_state', models.CharField(blank=True, max_length=64)),
                ('settings_state', models.CharField(blank=True, max_length=64)),
                ('questions', models.PositiveIntegerField(default=0)),
                ('recall', models.FloatField(null=True)),
                ('mrr', models.FloatField(null=True)),
                ('ndcg', models.FloatField(null=True)),
                ('precision', models.FloatField(null=True)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('finished', models.DateTimeField(blank=True, null=True)),
                ('build', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='golden_runs', to='documents.indexbuild')),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='golden_runs', to='documents.collection')),
                ('started_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='GoldenResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(null=True)),
                ('precision', models.FloatField(null=True)),
                ('missing', models.CharField(blank=True, max_length=400)),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results', to='evaluation.goldenquestion')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results', to='evaluation.goldenrun')),
            ],
            options={
                'ordering': ['question'],
            },
        ),
        migrations.CreateModel(
            name='WrongCitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sentence', models.TextField()),
                ('page_number', models.PositiveIntegerField()),
                ('document', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='documents.document')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='evaluation.goldenquestion')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='wrong_citations', to='evaluation.answerrun')),
            ],
            options={
                'ordering': ['question', 'pk'],
            },
        ),
        migrations.AddConstraint(
            model_name='answerrun',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'running'])), fields=('collection',), name='one_open_answer_run'),
        ),
        migrations.AddConstraint(
            model_name='goldenrun',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['waiting', 'running'])), fields=('collection',), name='one_open_golden_run'),
        ),
        migrations.AddConstraint(
            model_name='goldenresult',
            constraint=models.UniqueConstraint(fields=('run', 'question'), name='one_result_a_question'),
        ),
    ]
