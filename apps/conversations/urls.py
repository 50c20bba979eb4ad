from __future__ import annotations

from django.urls import path

from apps.conversations.assistants import beam_search_field, prompt_templates, urls
from apps.conversations.attachments import urls as attached_urls
from apps.conversations.disclosure import break_glass_views
from apps.conversations.feedback import comparison
from apps.conversations.feedback import views as feedback_views
from apps.conversations.history import branch_views, management_views, temporary_chat_views, transcript_gap_views, views
from apps.conversations.sharing import views as sharing_views
from apps.conversations.tools import urls as tool_urls
from apps.conversations.transfer import export_views, import_views

app_name = "conversations"
urlpatterns = [
    *urls.patterns,
    *tool_urls.patterns,
    *attached_urls.patterns,
    path("", views.new, name="new"),
    path("temporary/", temporary_chat_views.temporary, name="temporary"),
    path("temporary/<uuid:pk>/", temporary_chat_views.temporary, name="temporary_gone"),
    path("documents/<uuid:pk>/source/<int:number>/", temporary_chat_views.source, name="source_of_document"),
    path("c/<uuid:pk>/", views.conversation, name="conversation"),
    path("c/<uuid:pk>/turns/", transcript_gap_views.turns, name="turns"),
    path("c/<uuid:pk>/delete/", views.delete, name="delete"),
    path("c/<uuid:pk>/rename/", views.rename, name="rename"),
    path("answers/<uuid:answer>/feedback/", feedback_views.rate, name="feedback"),
    path("answers/<uuid:answer>/feedback/detail/", feedback_views.detail, name="feedback_detail"),
    path("c/<uuid:pk>/share/", sharing_views.share, name="share"),
    path("shared/<slug:secret>/", sharing_views.shared, name="shared"),
    path("shared/<slug:secret>/pictures/<uuid:pk>.png", sharing_views.picture, name="shared_picture"),
    path("shared/<slug:secret>/attached/<uuid:pk>/", sharing_views.attached, name="shared_attached"),
    path("shared/<slug:secret>/answers/<uuid:answer>/behind/", sharing_views.behind_shared, name="behind_shared"),
    path("shared/<slug:secret>/copy/", sharing_views.copy, name="copy_shared"),
    path("review/break-glass/", break_glass_views.page, name="glass"),
    path("review/break-glass/<uuid:pk>/", break_glass_views.read, name="glass_read"),
    path("review/break-glass/<uuid:pk>/answer/", break_glass_views.answer, name="glass_answer"),
    path("review/break-glass/<uuid:pk>/<uuid:conversation>/", break_glass_views.choose, name="glass_choose"),
    path("beams/", beam_search_field.field, name="beams"),
    path("prompts/", prompt_templates.prompts, name="prompts"),
    path("prompts/<int:pk>/", prompt_templates.prompt, name="prompt"),
    path("prompts/<int:pk>/delete/", prompt_templates.delete, name="delete_prompt"),
    path("answers/<uuid:answer>/compare/", comparison.compare, name="compare"),
    path("c/<uuid:pk>/queue/", views.queued, name="queue"),
    path("c/<uuid:pk>/choose/", branch_views.choose, name="choose"),
    path("c/<uuid:pk>/fork/", branch_views.fork, name="fork"),
    path("c/<uuid:pk>/export.md", export_views.markdown, name="markdown"),
    path("c/<uuid:pk>/export.json", export_views.as_json, name="json"),
    path("c/<uuid:pk>/print/", export_views.printed, name="print"),
    path("answers/<uuid:answer>/behind/", views.behind_answer, name="behind"),
    path("answers/<uuid:answer>/thoughts/", views.thoughts, name="thoughts"),
    path("answers/<uuid:answer>/pictures/", branch_views.pictured, name="pictures"),
    path("answers/<uuid:answer>/", branch_views.turn, name="turn"),
    path("conversations/", views.recent, name="recent"),
    path("conversations/more/", views.more, name="more"),
    path("conversations/all/", management_views.everything, name="all"),
    path("conversations/change/", management_views.change, name="change"),
    path("conversations/import/", import_views.imports, name="imports"),
    path("conversations/import/<uuid:pk>/", import_views.report, name="import"),
    path("folders/<int:pk>/", management_views.folder, name="folder"),
    path("answers/<uuid:answer>/sources/<int:number>/", views.source, name="source"),
]
