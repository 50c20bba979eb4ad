"""URLs of conversations, assistants, tools and attached pictures."""

from __future__ import annotations

from django.urls import path

from apps.conversations.assistants import prompt_templates, urls
from apps.conversations.assistants.views import show_beam_search_field
from apps.conversations.attachments import urls as attached_urls
from apps.conversations.disclosure import break_glass_views
from apps.conversations.feedback import comparison
from apps.conversations.feedback import views as feedback_views
from apps.conversations.history import branch_views, management_views, palette, tags, temporary_chat_views, views
from apps.conversations.history.branch_views import show_gap
from apps.conversations.sharing import evidence_views
from apps.conversations.sharing import views as sharing_views
from apps.conversations.tools import urls as tool_urls
from apps.conversations.transfer import export_views, import_views
from apps.conversations.turns import assistant_preview

app_name = "conversations"
urlpatterns = [
    *urls.patterns,
    *tool_urls.patterns,
    *attached_urls.patterns,
    path("assistants/preview/", assistant_preview.preview_assistant, name="preview_assistant"),
    path("", views.show_new_chat, name="new"),
    path("temporary/", temporary_chat_views.show_temporary_chat, name="temporary"),
    path("temporary/<uuid:pk>/", temporary_chat_views.show_temporary_chat, name="temporary_gone"),
    path(
        "documents/<uuid:pk>/source/<int:number>/",
        temporary_chat_views.show_temporary_source,
        name="source_of_document",
    ),
    path("c/<uuid:pk>/", views.show_conversation, name="conversation"),
    path("c/<uuid:pk>/turns/", show_gap, name="turns"),
    path("c/<uuid:pk>/delete/", views.delete_conversation, name="delete"),
    path("c/<uuid:pk>/rename/", views.rename_conversation, name="rename"),
    path("c/<uuid:pk>/tags/", tags.edit_tags, name="tags"),
    path("answers/<uuid:answer>/feedback/", feedback_views.rate_answer, name="feedback"),
    path("answers/<uuid:answer>/feedback/detail/", feedback_views.edit_details, name="feedback_detail"),
    path("c/<uuid:pk>/share/", sharing_views.edit_link, name="share"),
    path("shared/<slug:secret>/", sharing_views.show_shared, name="shared"),
    path("shared/<slug:secret>/pictures/<uuid:pk>.png", sharing_views.show_shared_picture, name="shared_picture"),
    path("shared/<slug:secret>/attached/<uuid:pk>/", sharing_views.show_shared_attachment, name="shared_attached"),
    path("shared/<slug:secret>/answers/<uuid:answer>/behind/", sharing_views.show_shared_trace, name="behind_shared"),
    path("shared/<slug:secret>/copy/", sharing_views.copy_shared, name="copy_shared"),
    path("review/break-glass/", break_glass_views.list_requests, name="break_glass"),
    path("review/break-glass/<uuid:pk>/", break_glass_views.read_conversation, name="break_glass_conversation"),
    path("review/break-glass/<uuid:pk>/decide/", break_glass_views.decide_request, name="break_glass_decide"),
    path(
        "review/break-glass/<uuid:pk>/<uuid:conversation>/",
        break_glass_views.choose_conversation,
        name="break_glass_choose",
    ),
    path("beams/", show_beam_search_field, name="beams"),
    path("prompts/", prompt_templates.list_prompts, name="prompts"),
    path("prompts/<int:pk>/", prompt_templates.edit_prompt, name="prompt"),
    path("prompts/<int:pk>/delete/", prompt_templates.delete_prompt, name="delete_prompt"),
    path("answers/<uuid:answer>/compare/", comparison.compare_answers, name="compare"),
    path("c/<uuid:pk>/queue/", views.show_queue, name="queue"),
    path("c/<uuid:pk>/choose/", branch_views.select_branch, name="choose"),
    path("c/<uuid:pk>/fork/", branch_views.fork_conversation, name="fork"),
    path("c/<uuid:pk>/export.md", export_views.export_markdown, name="markdown"),
    path("c/<uuid:pk>/export.json", export_views.export_json, name="json"),
    path("c/<uuid:pk>/print/", export_views.show_print_page, name="print"),
    path("answers/<uuid:answer>/markdown/", export_views.copy_markdown, name="copy_markdown"),
    path("answers/<uuid:answer>/behind/", evidence_views.show_trace, name="behind"),
    path("answers/<uuid:answer>/thoughts/", evidence_views.show_reasoning, name="thoughts"),
    path("answers/<uuid:answer>/pictures/", branch_views.show_pictures, name="pictures"),
    path("answers/<uuid:answer>/", branch_views.show_turn, name="turn"),
    path("search/", palette.search_everything, name="palette"),
    path("conversations/", views.show_sidebar, name="recent"),
    path("conversations/more/", views.show_more, name="more"),
    path("conversations/all/", management_views.list_conversations, name="all"),
    path("conversations/change/", management_views.change_conversations, name="change"),
    path("conversations/import/", import_views.list_imports, name="imports"),
    path("conversations/import/<uuid:pk>/", import_views.show_report, name="import"),
    path("folders/<int:pk>/", management_views.change_folder, name="folder"),
    path("answers/<uuid:answer>/sources/<int:number>/", evidence_views.show_source, name="source"),
]
