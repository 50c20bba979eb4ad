"""Conversations: a tree of messages, the passages that answers were given, and the citations that were verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from apps.documents.models import Chunk, Collection, Document
from apps.lib.ids import new_id
from apps.lib.leases import Leased

if TYPE_CHECKING:
    from apps.users.models import User

    Reader = User | AnonymousUser


class Style(models.TextChoices):
    """How an answer is composed."""

    AUTOMATIC = "automatic", "Automatic"
    QUOTES = "quotes", "Quotes first"
    MODEL = "model", "Model only"


class ModelProfile(models.Model):
    """What is known of a chat model here: the style chosen for it, and how well it reads."""

    name = models.CharField(max_length=255, unique=True)
    style = models.CharField(max_length=16, choices=Style.choices, default=Style.AUTOMATIC)
    reading_right = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Reading questions answered right"
    )
    reading_asked = models.PositiveSmallIntegerField(null=True, blank=True)
    measured = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Assistant(models.Model):
    """Instructions and a style under a name. One is the default; people and sharing come with more of them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=80, unique=True)
    instructions = models.TextField(blank=True, max_length=4000)
    style = models.CharField(max_length=16, choices=Style.choices, default=Style.AUTOMATIC)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_assistant"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def default(cls) -> Assistant:
        row, _ = cls.objects.get_or_create(is_default=True, defaults={"name": "Openbook"})
        return row


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, user: Reader) -> ConversationQuerySet:
        return self.filter(owner=user) if user.is_authenticated else self.none()


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    assistant = models.ForeignKey(Assistant, on_delete=models.SET_NULL, null=True, blank=True)
    title = models.CharField(max_length=120, blank=True)
    collections = models.ManyToManyField(
        Collection,
        blank=True,
        related_name="conversations",
        help_text="Searched for answers; none: all that are visible",
    )
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-changed"]

    def __str__(self) -> str:
        return self.title or "New conversation"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Reader) -> MessageQuerySet:
        return self.filter(conversation__owner=user) if user.is_authenticated else self.none()

    def answers(self) -> MessageQuerySet:
        return self.filter(role=Message.Role.ASSISTANT)


class Message(Leased):
    """A question or an answer. An answer row is its turn: the turn's id is the answer's id."""

    class Role(models.TextChoices):
        USER = "user", "Question"
        ASSISTANT = "assistant", "Answer"

    class Status(models.TextChoices):
        WRITING = "writing", "Writing"
        COMPLETE = "complete", "Complete"
        STOPPED = "stopped", "Stopped"
        WITHHELD = "withheld", "Withheld"
        FAILED = "failed", "Failed"
        INTERRUPTED = "interrupted", "Interrupted"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    role = models.CharField(max_length=12, choices=Role.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.COMPLETE, db_index=True)
    text = models.TextField(blank=True, help_text="A question as asked; an answer exactly as the model wrote it")
    client_id = models.CharField(max_length=40, blank=True, help_text="Made by the client: a repeated ask posts once")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=400, blank=True, help_text="Why it ended as it did, for the reader")
    style = models.CharField(max_length=16, choices=Style.choices, blank=True, help_text="The style that was used")
    model = models.CharField(max_length=255, blank=True)
    without_documents = models.BooleanField(default=False)
    nothing_found = models.BooleanField(default=False)
    quotes = models.JSONField(
        default=list, blank=True, help_text="[{source: number, start, end, score}], spans in Page.text"
    )
    steps = models.JSONField(default=list, blank=True, help_text="[{name, ms, detail}] in call order")
    usage = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["asked_by", "client_id"], condition=~models.Q(client_id=""), name="one_message_a_client_id"
            )
        ]
        # What a person has being written is counted before each question, however many messages there are.
        indexes: ClassVar = [models.Index(fields=["asked_by", "status"], name="messages_of_a_person_by_status")]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"


class Source(models.Model):
    """A passage of a conversation, under the number that pills and prompt use. Holds no text: `Page.text` is the truth,
    so a deleted document takes its words with it everywhere at once."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="sources")
    number = models.PositiveIntegerField(help_text="From 1, stable through the conversation")
    document = models.ForeignKey(Document, on_delete=models.SET_NULL, null=True)
    chunk = models.ForeignKey(Chunk, on_delete=models.SET_NULL, null=True)
    page_number = models.PositiveIntegerField()
    spans = models.JSONField(help_text="[[start, end], ...] in Page.text: the sentences that were given to the model")

    class Meta:
        ordering: ClassVar = ["conversation", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "number"], name="one_source_a_number")]

    def __str__(self) -> str:
        return f"[{self.number}]"


class Retrieved(models.Model):
    """That an answer was given a passage, and how it was found."""

    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="retrieved")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="retrievals")
    rank = models.PositiveIntegerField()
    relevance = models.FloatField(help_text="Calibrated, 0 to 1")
    cosine = models.FloatField()
    bm25 = models.FloatField()
    given = models.JSONField(
        default=list,
        help_text="[[start, end], ...] in Page.text: what this turn's prompt added; [] where all was given before",
    )

    class Meta:
        ordering: ClassVar = ["answer", "rank"]

    def __str__(self) -> str:
        return f"{self.answer_id} {self.source_id}"


class Citation(models.Model):
    """One sentence of an answer and the passage that was found to support it. A sentence without support has a row
    with no source, so that "not supported" is a finding and not a gap."""

    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    sentence = models.PositiveIntegerField(help_text="From 0, through the answer")
    start = models.PositiveIntegerField(help_text="In Message.text")
    end = models.PositiveIntegerField()
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, blank=True)
    source_start = models.PositiveIntegerField(default=0, help_text="In Page.text: the sentence that supports it best")
    source_end = models.PositiveIntegerField(default=0)
    score = models.FloatField(help_text="Support, 0 to 1")

    class Meta:
        ordering: ClassVar = ["answer", "sentence", "-score"]

    def __str__(self) -> str:
        return f"{self.answer_id} sentence {self.sentence}"
