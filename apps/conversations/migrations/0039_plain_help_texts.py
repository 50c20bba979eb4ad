"""Say in plain words what the columns hold. Changes no table."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0038_shares_of_a_group'),
        ('documents', '0026_help_texts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='assistant',
            name='collections',
            field=models.ManyToManyField(blank=True, help_text='Collections that are searched; empty: all that the user can read', related_name='assistants', to='documents.collection'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='everyone',
            field=models.BooleanField(default=False, help_text='Whether all signed-in users can use it'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='examples',
            field=models.JSONField(blank=True, default=list, help_text='[{question, answer}]: example answers'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='model',
            field=models.CharField(blank=True, help_text="Name of the model in the settings; empty: the site's default", max_length=60),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='picture',
            field=models.BinaryField(blank=True, default=b'', help_text='PNG, encoded again from the uploaded file'),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='safety',
            field=models.CharField(choices=[('site', 'Site default'), ('strict', 'Strict'), ('strictest', 'Strictest')], default='site', help_text='Strictness of the safety checks', max_length=12),
        ),
        migrations.AlterField(
            model_name='assistant',
            name='sampling',
            field=models.JSONField(blank=True, default=dict, help_text='Sampling values that differ from the preset'),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='caption',
            field=models.TextField(blank=True, help_text='Description written by a vision model'),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='name',
            field=models.CharField(help_text='Name of the uploaded file', max_length=255),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='recognised',
            field=models.BooleanField(default=False, help_text='Whether text recognition has run; a description may still be missing'),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='sha256',
            field=models.CharField(help_text='SHA-256 of the file', max_length=64),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='text',
            field=models.TextField(blank=True, help_text='Recognised text'),
        ),
        migrations.AlterField(
            model_name='attachedpicture',
            name='uncaptioned',
            field=models.CharField(blank=True, help_text='Why there is no description', max_length=400),
        ),
        migrations.AlterField(
            model_name='citation',
            name='check_version',
            field=models.PositiveSmallIntegerField(default=0, help_text='`CHECK_VERSION` of the check that made it; 0: older than versions'),
        ),
        migrations.AlterField(
            model_name='citation',
            name='quoted',
            field=models.BooleanField(default=False, help_text='Whether the sentence quotes the source word for word'),
        ),
        migrations.AlterField(
            model_name='citation',
            name='tool',
            field=models.CharField(blank=True, help_text='Name of the tool whose result supports the sentence; empty: a passage does', max_length=100),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='collections',
            field=models.ManyToManyField(blank=True, help_text='Collections that are searched; empty: all that the user can read', related_name='conversations', to='documents.collection'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='deleted',
            field=models.DateTimeField(blank=True, help_text='When the owner deleted it; it can be restored until it is removed for good', null=True),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='files',
            field=models.OneToOneField(blank=True, help_text='Collection of the files attached to this chat; null: none', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='conversation', to='documents.collection'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='filters',
            field=models.JSONField(blank=True, default=dict, help_text='Document filters chosen last; empty: none'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='imported',
            field=models.CharField(blank=True, help_text='Program that the conversation was imported from; empty: not imported', max_length=20),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='imported_key',
            field=models.CharField(blank=True, help_text='Hash of the imported conversation, so that it is imported once', max_length=64),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='model',
            field=models.CharField(blank=True, help_text='Name of the model chosen last; empty: that of the assistant', max_length=60),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='narrow',
            field=models.BooleanField(default=False, help_text='Whether collections were chosen, so that an empty list does not mean all'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='sampling',
            field=models.JSONField(blank=True, default=dict, help_text='Sampling values chosen last; empty: those of the assistant'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='seen',
            field=models.DateTimeField(blank=True, default=django.utils.timezone.now, help_text='When the owner last opened it; later changes are shown as unread', null=True),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='tags',
            field=models.CharField(blank=True, help_text='Tags separated and enclosed by bars, such as |leave|hr|; see `history/tags.py`', max_length=320),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='titled',
            field=models.CharField(choices=[('question', 'First words of the question'), ('model', 'Model'), ('person', 'User')], default='question', help_text='Who chose the title: the model, the user, or the question itself', max_length=8),
        ),
        migrations.AlterField(
            model_name='feedback',
            name='handled',
            field=models.DateTimeField(blank=True, help_text='When an administrator marked it as handled', null=True),
        ),
        migrations.AlterField(
            model_name='feedback',
            name='reasons',
            field=models.JSONField(blank=True, default=list, help_text='Reason for a poor rating'),
        ),
        migrations.AlterField(
            model_name='feedback',
            name='reported',
            field=models.DateTimeField(blank=True, help_text='When it was sent to the reviewers', null=True),
        ),
        migrations.AlterField(
            model_name='importitem',
            name='note',
            field=models.CharField(blank=True, help_text='Why it was not imported, or what was left out', max_length=400),
        ),
        migrations.AlterField(
            model_name='importitem',
            name='position',
            field=models.PositiveIntegerField(help_text='Index in the file, from 0'),
        ),
        migrations.AlterField(
            model_name='importjob',
            name='name',
            field=models.CharField(help_text='Name of the file, for display', max_length=255),
        ),
        migrations.AlterField(
            model_name='importjob',
            name='reason',
            field=models.CharField(blank=True, help_text='Why nothing could be imported, and what to do', max_length=400),
        ),
        migrations.AlterField(
            model_name='message',
            name='chosen',
            field=models.DateTimeField(blank=True, help_text='When the user last switched to this branch', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='client_id',
            field=models.CharField(blank=True, help_text='Id made by the client, so that a repeated request stores one message', max_length=40),
        ),
        migrations.AlterField(
            model_name='message',
            name='continues',
            field=models.ForeignKey(blank=True, help_text='Unfinished answer that this one continues and replaces', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.message'),
        ),
        migrations.AlterField(
            model_name='message',
            name='draws',
            field=models.JSONField(blank=True, default=dict, help_text='Settings of the requested pictures; empty: an answer without pictures'),
        ),
        migrations.AlterField(
            model_name='message',
            name='origin',
            field=models.UUIDField(blank=True, db_index=True, help_text='Message that this one was copied from', null=True),
        ),
        migrations.AlterField(
            model_name='message',
            name='reason',
            field=models.CharField(blank=True, help_text='Reason for the status, shown to the user', max_length=400),
        ),
        migrations.AlterField(
            model_name='message',
            name='shows',
            field=models.CharField(blank=True, choices=[('automatic', 'Automatic, by the reading check'), ('verified', 'Verified sentences only'), ('all', 'All sentences')], help_text='Sentences that are shown; empty: all', max_length=16),
        ),
        migrations.AlterField(
            model_name='queuedquestion',
            name='client_id',
            field=models.CharField(help_text='Id made by the client; the message gets the same one', max_length=40),
        ),
        migrations.AlterField(
            model_name='queuedquestion',
            name='position',
            field=models.IntegerField(default=0, help_text='Lowest first; equal positions by age'),
        ),
        migrations.AlterField(
            model_name='queuedquestion',
            name='problem',
            field=models.CharField(blank=True, help_text='Why the question cannot be sent', max_length=400),
        ),
        migrations.AlterField(
            model_name='queuedquestion',
            name='settings',
            field=models.JSONField(blank=True, default=dict, help_text='Settings that the page sends with a question'),
        ),
        migrations.AlterField(
            model_name='retractedmessage',
            name='fields',
            field=models.JSONField(help_text='Column values of the message, by name'),
        ),
        migrations.AlterField(
            model_name='retractedmessage',
            name='title',
            field=models.JSONField(default=list, help_text='[title, who chose it, replacement] of a conversation named after the message'),
        ),
        migrations.AlterField(
            model_name='retractedmessage',
            name='trace',
            field=models.BinaryField(default=bytes, help_text='Recorded trace of the answer; empty: none'),
        ),
        migrations.AlterField(
            model_name='retrievedpassage',
            name='given_spans',
            field=models.JSONField(default=list, help_text='[[start, end], ...] in Page.text: sentences that this turn added to the prompt; []: none are new'),
        ),
        migrations.AlterField(
            model_name='savedprompt',
            name='everyone',
            field=models.BooleanField(default=False, help_text='Whether all users are offered it; set by administrators only'),
        ),
        migrations.AlterField(
            model_name='toolserver',
            name='address',
            field=models.CharField(blank=True, help_text='URL of the server', max_length=2000),
        ),
        migrations.AlterField(
            model_name='toolserver',
            name='command',
            field=models.CharField(blank=True, help_text='Name of a command that the operator allows', max_length=40),
        ),
        migrations.AlterField(
            model_name='toolserver',
            name='name',
            field=models.SlugField(help_text='Prefix of the names of its tools', max_length=20, unique=True),
        ),
        migrations.AlterField(
            model_name='toolserver',
            name='problem',
            field=models.CharField(blank=True, help_text='Why the last refresh failed', max_length=400),
        ),
    ]
