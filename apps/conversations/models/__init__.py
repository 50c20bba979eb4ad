"""Models of conversations: a tree of messages, the sources given to answers, and verified citations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.conversations.models.assistant import AnswerStyle, Assistant, AssistantShare, AssistantVersion, ShownSentences
from apps.conversations.models.attachment import AttachedPicture, Attachment
from apps.conversations.models.feedback import Feedback
from apps.conversations.models.import_job import ImportItem, ImportJob
from apps.conversations.models.model_profile import ModelProfile
from apps.conversations.models.model_server import HelperServer, ModelServer, RestrictedModel, ServedModel
from apps.conversations.models.preference import Preference
from apps.conversations.models.prompt_template import SavedPrompt
from apps.conversations.models.retraction import RetractedMessage
from apps.conversations.models.share import Share
from apps.conversations.models.tool import ToolConsent, ToolServer, ToolSetting
from apps.documents.models import Chunk, Collection, Document
from apps.images.models import Picture
from apps.lib.db.leases import Leased
from apps.lib.db.stored_text_field import StoredTextField
from apps.lib.ids import new_id

# Names of the steps of small talk and of answers from a whole document.
SMALL_TALK_STEP, WHOLE_DOCUMENT_STEP = "small_talk", "read"

__all__ = [
    "SMALL_TALK_STEP",
    "WHOLE_DOCUMENT_STEP",
    "AnswerStyle",
    "AnswerTrace",
    "Assistant",
    "AssistantShare",
    "AssistantVersion",
    "AttachedPicture",
    "Attachment",
    "Citation",
    "Conversation",
    "Feedback",
    "Folder",
    "HelperServer",
    "ImportItem",
    "ImportJob",
    "Message",
    "ModelProfile",
    "ModelServer",
    "Preference",
    "QueuedQuestion",
    "RestrictedModel",
    "RetractedMessage",
    "RetrievedPassage",
    "SavedPrompt",
    "ServedModel",
    "Share",
    "ShownSentences",
    "Source",
    "ToolConsent",
    "ToolServer",
    "ToolSetting",
]

if TYPE_CHECKING:
    from apps.users.models import AnyUser


class Folder(models.Model):
    """Folder of conversations, visible to its owner only."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="folders")
    name = models.CharField(max_length=60)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="one_folder_a_name")]

    def __str__(self) -> str:
        return self.name


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Access queries of conversations."""

    def visible_to(self, user: AnyUser) -> ConversationQuerySet:
        """Return the conversations of the user that are not deleted."""
        return self.owned_by(user).filter(deleted__isnull=True)

    def with_assistant(self) -> ConversationQuerySet:
        """Fetch the assistant in the same query, without its picture."""
        return self.select_related("assistant").defer("assistant__picture")

    def owned_by(self, user: AnyUser) -> ConversationQuerySet:
        """Return the conversations of the user, deleted ones included."""
        return self.filter(owner=user) if user.is_authenticated else self.none()


class Conversation(models.Model):
    """Conversation of one user: settings of its next questions, and the place of its messages."""

    class TitleOrigin(models.TextChoices):
        """Origin of the title."""

        QUESTION = "question", gettext_lazy("First words of the question")
        MODEL = "model", gettext_lazy("Model")
        PERSON = "person", gettext_lazy("User")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    assistant = models.ForeignKey(Assistant, on_delete=models.SET_NULL, null=True, blank=True)
    title = models.CharField(max_length=120, blank=True)
    # who chose the title: the model, the user, or the question itself
    title_origin = models.CharField(max_length=8, choices=TitleOrigin.choices, default=TitleOrigin.QUESTION)
    folder = models.ForeignKey(Folder, on_delete=models.SET_NULL, null=True, blank=True, related_name="conversations")
    # tags separated and enclosed by bars, such as |leave|hr|; see `history/tags.py`
    tags = models.CharField(max_length=320, blank=True)
    pinned = models.DateTimeField(null=True, blank=True)
    archived = models.DateTimeField(null=True, blank=True)
    # when the owner deleted it; it can be restored until it is removed for good
    deleted = models.DateTimeField(null=True, blank=True)
    # when the owner last opened it; later changes are shown as unread
    seen = models.DateTimeField(null=True, blank=True, default=timezone.now)
    # collections that are searched; empty: all that the user can read
    collections = models.ManyToManyField(Collection, blank=True, related_name="conversations")
    # collection of the files attached to this chat; null: none
    files = models.OneToOneField(
        Collection, on_delete=models.SET_NULL, null=True, blank=True, related_name="conversation"
    )
    # number of collections that were chosen, some of which may be gone; 0: none, so all
    chosen_collection_count = models.PositiveIntegerField(default=0)
    sampling = models.JSONField(default=dict, blank=True)  # sampling values chosen last; empty: those of the assistant
    model = models.CharField(max_length=60, blank=True)  # name of the model chosen last; empty: that of the assistant
    filters = models.JSONField(default=dict, blank=True)  # document filters chosen last; empty: none
    # program that the conversation was imported from; empty: not imported
    imported_from = models.CharField(max_length=20, blank=True)
    # hash of the imported conversation, so that it is imported once
    imported_key = models.CharField(max_length=64, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-changed"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-changed"], name="conversations_of_a_person"),
            models.Index(fields=["deleted"], condition=models.Q(deleted__isnull=False), name="deleted_conversations"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "imported_key"], condition=~models.Q(imported_key=""), name="one_import_a_conversation"
            )
        ]

    def __str__(self) -> str:
        return self.title or gettext("New conversation")

    @property
    def tag_list(self) -> list[str]:
        """Return the tags in the order in which the user gave them."""
        return [tag for tag in self.tags.split("|") if tag]


class MessageQuerySet(models.QuerySet["Message"]):
    """Access queries of messages."""

    def visible_to(self, user: AnyUser) -> MessageQuerySet:
        """Return the messages of conversations of the user that are not deleted."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(conversation__owner=user, conversation__deleted__isnull=True)

    def answers(self) -> MessageQuerySet:
        """Return the answers."""
        return self.filter(role=Message.Role.ASSISTANT)


class Message(Leased):
    """Question or answer. An answer row is its turn: the id of the turn is the id of the answer."""

    class Role(models.TextChoices):
        """Role of the message: question or answer."""

        USER = "user", gettext_lazy("Question")
        ASSISTANT = "assistant", gettext_lazy("Answer")

    class Status(models.TextChoices):
        """State of an answer, or why it ended; questions are COMPLETE or WITHHELD."""

        WRITING = "writing", gettext_lazy("Writing")
        COMPLETE = "complete", gettext_lazy("Complete")
        STOPPED = "stopped", gettext_lazy("Stopped")
        WITHHELD = "withheld", gettext_lazy("Withheld")
        FAILED = "failed", gettext_lazy("Failed")
        INTERRUPTED = "interrupted", gettext_lazy("Interrupted")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    role = models.CharField(max_length=12, choices=Role.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.COMPLETE, db_index=True)
    text = models.TextField(blank=True)  # a question as asked; an answer exactly as the model wrote it
    # id made by the client, so that a repeated request stores one message
    client_id = models.CharField(max_length=40, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = StoredTextField(blank=True)  # reason for the status, shown to the user
    chosen = models.DateTimeField(null=True, blank=True)  # when the user last switched to this branch
    edited = models.DateTimeField(null=True, blank=True)  # when a question was reworded without a new answer
    # unfinished answer that this one continues and replaces
    continues = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )  # fmt: skip
    style = models.CharField(max_length=16, choices=AnswerStyle.choices, blank=True)  # the style that was used
    # sentences that are shown; empty: all
    shown_sentences = models.CharField(max_length=16, choices=ShownSentences.choices, blank=True)
    model = models.CharField(max_length=255, blank=True)
    without_documents = models.BooleanField(default=False)
    nothing_found = models.BooleanField(default=False)
    quotes = models.JSONField(default=list, blank=True)  # [{source: number, start, end, score}], spans in Page.text
    steps = models.JSONField(default=list, blank=True)  # [{name, words, ms}] in the order in which they began
    tools = models.JSONField(default=list, blank=True)  # calls of tools in their order: fields of `ToolCallRecord`
    links = models.JSONField(default=list, blank=True)  # addresses in the text that are shown as links
    usage = models.JSONField(default=dict, blank=True)
    # settings of the requested pictures; empty: an answer without pictures
    picture_request = models.JSONField(default=dict, blank=True)
    pictures = models.ManyToManyField(Picture, blank=True, related_name="answers")
    origin = models.UUIDField(null=True, blank=True, db_index=True)  # message that this one was copied from
    # when a reviewer withheld it: see `moderation/retraction.py`
    retracted = models.DateTimeField(null=True, blank=True)
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
        # Running answers of a user are counted before each question, among any number of messages.
        indexes: ClassVar = [
            models.Index(fields=["asked_by", "status"], name="messages_of_a_person_by_status"),
            models.Index(fields=["asked_by", "-created"], name="messages_of_a_person_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.text[:60]}"

    @property
    def unchecked(self) -> bool:
        """Return whether a model wrote the answer without documents, which every page and export must say."""
        return self.without_documents and not self.picture_request and not self.small_talk

    @property
    def small_talk(self) -> bool:
        """Return whether the answer is small talk: fixed words, a sum or a date."""
        return any(step["name"] == SMALL_TALK_STEP for step in self.steps)

    @property
    def only_quotes(self) -> bool:
        """Return whether quotes are the whole answer, so that a model may still be asked to write one."""
        complete = self.status == self.Status.COMPLETE and not self.nothing_found
        return complete and bool(self.quotes) and not (self.text or self.model)

    @property
    def without_model(self) -> bool:
        """Return whether no model wrote the answer: quotes alone, small talk, or excerpts of a document."""
        quoted = bool(self.quotes) and not self.text and self.status == self.Status.COMPLETE
        steps = {step["name"] for step in self.steps}
        return not self.model and (quoted or bool(steps & {SMALL_TALK_STEP, WHOLE_DOCUMENT_STEP}))

    @property
    def grounded(self) -> bool:
        """Return whether the answer was written from documents or draws a picture."""
        return not self.unchecked and not self.small_talk

    @property
    def unread_languages(self) -> list[str]:
        """Return the languages (ISO 639-1) of unverified sentences that the support check does not know."""
        return list(self.usage.get("unread_languages", ()))

    @property
    def unfinished(self) -> bool:
        """Return whether the model could continue the answer."""
        return bool(self.text) and (self.status in _CUT_SHORT or self.usage.get("finish") == "length")


_CUT_SHORT = {Message.Status.STOPPED, Message.Status.INTERRUPTED, Message.Status.FAILED}


class QueuedQuestion(models.Model):
    """Follow-up question that waits until the running answer has ended (`turns/question_queue.py`)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="queued")
    text = models.TextField()
    settings = models.JSONField(default=dict, blank=True)  # settings that the page sends with a question
    client_id = models.CharField(max_length=40)  # id made by the client; the message gets the same one
    position = models.IntegerField(default=0)  # lowest first; equal positions by age
    problem = models.CharField(max_length=400, blank=True)  # why the question cannot be sent
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "conversations_queued"
        ordering: ClassVar = ["position", "created"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "client_id"], name="one_queued_a_client_id")
        ]

    def __str__(self) -> str:
        return self.text[:60]


class AnswerTrace(models.Model):
    """Compressed record of how an answer was made (`turns/trace.py`)."""

    answer = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="trace")
    data = models.BinaryField()

    class Meta:
        db_table = "conversations_trace"

    def __str__(self) -> str:
        return str(self.answer_id)


class Source(models.Model):
    """Passage of a conversation, under the number used by citation marks and prompts.

    Holds no text: the text is in `Page.text` only, so it disappears everywhere with its document.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="sources")
    number = models.PositiveIntegerField()  # from 1, stable through the conversation
    document = models.ForeignKey(Document, on_delete=models.SET_NULL, null=True)
    chunk = models.ForeignKey(Chunk, on_delete=models.SET_NULL, null=True)
    page_number = models.PositiveIntegerField()
    spans = models.JSONField()  # [[start, end], ...] in Page.text: the sentences that were given to the model

    class Meta:
        ordering: ClassVar = ["conversation", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "number"], name="one_source_a_number")]

    def __str__(self) -> str:
        return f"[{self.number}]"


class RetrievedPassage(models.Model):
    """Retrieval record: a passage was found for an answer, with rank and scores, whether a model read it or not."""

    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="retrieved")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="retrievals")
    rank = models.PositiveIntegerField()
    relevance = models.FloatField()  # calibrated, 0 to 1
    cosine = models.FloatField()
    bm25 = models.FloatField()
    # [[start, end], ...] in Page.text: sentences that this turn added to the prompt; []: an earlier turn had,
    # or no model was asked
    given_spans = models.JSONField(default=list)

    class Meta:
        db_table = "conversations_retrieved"
        ordering: ClassVar = ["answer", "rank"]

    def __str__(self) -> str:
        return f"{self.answer_id} {self.source_id}"


class Citation(models.Model):
    """Sentence of an answer with the passage that supports it.

    A sentence without support has a row without source, so that unverified and contradicted ones are recorded too.
    """

    answer = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    sentence = models.PositiveIntegerField()  # from 0, through the answer
    start = models.PositiveIntegerField()  # in Message.text
    end = models.PositiveIntegerField()
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, blank=True)
    source_start = models.PositiveIntegerField(default=0)  # in Page.text: the sentence that supports it best
    source_end = models.PositiveIntegerField(default=0)
    score = models.FloatField()  # support, 0 to 1
    # name of the tool whose result supports the sentence; empty: a passage does
    tool = models.CharField(max_length=100, blank=True)
    quoted = models.BooleanField(default=False)  # whether the sentence quotes the source word for word
    # Without a source: number of the source to compare the sentence with, whose place `source_start` and `_end` give
    compared = models.PositiveIntegerField(null=True, blank=True)
    contradicted = models.BooleanField(default=False)  # whether that source says otherwise
    checked_by = models.CharField(max_length=200, blank=True)  # model of the judge; empty: the built-in check
    # `CHECK_VERSION` of the check that made it; 0: older than versions
    check_version = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["answer", "sentence", "-score"]

    def __str__(self) -> str:
        return f"{self.answer_id} sentence {self.sentence}"
