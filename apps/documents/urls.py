"""URLs of collections and documents."""

from __future__ import annotations

from django.urls import path

from apps.documents.web import (
    collection_settings_views,
    collection_views,
    document_views,
    file_actions,
    filter_views,
    passage_views,
    reader_views,
    source_views,
)

app_name = "documents"
urlpatterns = [
    path("collections/", collection_views.list_collections, name="collections"),
    path("collections/filters/", filter_views.show_filters, name="filters"),
    path("collections/<uuid:pk>/", collection_views.show_collection, name="collection"),
    path("collections/<uuid:pk>/tray/", collection_views.show_file_list, name="tray"),
    path("collections/<uuid:pk>/upload/", collection_views.upload_files, name="upload"),
    path("collections/<uuid:pk>/sync/", source_views.sync_folder, name="sync_folder"),
    path("collections/<uuid:pk>/pages/", source_views.add_web_page, name="add_web_page"),
    path("collections/<uuid:pk>/files/", file_actions.change_files, name="change_files"),
    path("collections/<uuid:pk>/retry/", collection_views.retry_failed, name="retry_failed"),
    path("collections/<uuid:pk>/dismiss/", collection_views.dismiss_refusals, name="dismiss"),
    path("collections/<uuid:pk>/passages/", passage_views.show_passages, name="passages"),
    path("collections/<uuid:pk>/people/", collection_settings_views.show_sharing, name="people"),
    path("collections/<uuid:pk>/people/remove/", collection_settings_views.remove_address, name="unshare"),
    path("collections/<uuid:pk>/people/groups/", collection_settings_views.edit_group_share, name="share_group"),
    path(
        "collections/<uuid:pk>/people/groups/remove/",
        collection_settings_views.remove_group_share,
        name="unshare_group",
    ),
    path("collections/<uuid:pk>/people/everyone/", collection_settings_views.edit_public_access, name="everyone"),
    path("collections/<uuid:pk>/settings/", collection_settings_views.edit_collection, name="settings"),
    path("collections/<uuid:pk>/delete/", collection_settings_views.delete, name="delete_collection"),
    path("documents/<uuid:pk>/", reader_views.show_document, name="document"),
    path("documents/<uuid:pk>/passage/", reader_views.show_passage, name="passage"),
    path("documents/<uuid:pk>/fault/", reader_views.tell_owner, name="tell_owner"),
    path("documents/<uuid:pk>/pages/<int:number>.png", reader_views.send_page_image, name="page_image"),
    path("documents/<uuid:pk>/file/", reader_views.download_file, name="file"),
    path("documents/<uuid:pk>/passages/<int:number>/enabled/", passage_views.switch_passage, name="passage_enabled"),
    path("documents/<uuid:pk>/passages/<int:number>/keywords/", passage_views.edit_keywords, name="passage_keywords"),
    path("documents/<uuid:pk>/cancel/", document_views.cancel, name="cancel"),
    path("documents/<uuid:pk>/fetch/", document_views.refetch_page, name="fetch"),
    path("documents/<uuid:pk>/retry/", document_views.retry, name="retry"),
    path("documents/<uuid:pk>/rename/", document_views.rename, name="rename"),
    path("documents/<uuid:pk>/move/", document_views.move, name="move"),
    path("documents/<uuid:pk>/delete/", document_views.delete, name="delete"),
]
