"""Addresses of collections and documents."""

from __future__ import annotations

from django.urls import path

from apps.documents import document_views, filter_views, passage_views, people_views, reading, source_views, views

app_name = "documents"
urlpatterns = [
    path("collections/", views.collections, name="collections"),
    path("collections/filters/", filter_views.filters, name="filters"),
    path("collections/<uuid:pk>/", views.collection, name="collection"),
    path("collections/<uuid:pk>/tray/", views.tray, name="tray"),
    path("collections/<uuid:pk>/upload/", views.upload_files, name="upload"),
    path("collections/<uuid:pk>/sync/", source_views.sync_folder, name="sync_folder"),
    path("collections/<uuid:pk>/pages/", source_views.add_web_page, name="add_web_page"),
    path("collections/<uuid:pk>/retry/", views.retry_failed, name="retry_failed"),
    path("collections/<uuid:pk>/dismiss/", views.dismiss, name="dismiss"),
    path("collections/<uuid:pk>/passages/", passage_views.passages, name="passages"),
    path("collections/<uuid:pk>/people/", people_views.people, name="people"),
    path("collections/<uuid:pk>/people/remove/", people_views.remove, name="unshare"),
    path("collections/<uuid:pk>/people/groups/", people_views.groups, name="share_group"),
    path("collections/<uuid:pk>/people/groups/remove/", people_views.remove_group, name="unshare_group"),
    path("collections/<uuid:pk>/people/everyone/", people_views.everyone, name="everyone"),
    path("collections/<uuid:pk>/settings/", people_views.settings, name="settings"),
    path("collections/<uuid:pk>/delete/", people_views.delete, name="delete_collection"),
    path("documents/<uuid:pk>/", reading.document, name="document"),
    path("documents/<uuid:pk>/passage/", reading.passage, name="passage"),
    path("documents/<uuid:pk>/pages/<int:number>.png", reading.page_image, name="page_image"),
    path("documents/<uuid:pk>/file/", reading.file, name="file"),
    path("documents/<uuid:pk>/passages/<int:number>/enabled/", passage_views.enabled, name="passage_enabled"),
    path("documents/<uuid:pk>/passages/<int:number>/keywords/", passage_views.keywords, name="passage_keywords"),
    path("documents/<uuid:pk>/cancel/", document_views.cancel, name="cancel"),
    path("documents/<uuid:pk>/fetch/", document_views.fetch, name="fetch"),
    path("documents/<uuid:pk>/retry/", document_views.retry, name="retry"),
    path("documents/<uuid:pk>/rename/", document_views.rename, name="rename"),
    path("documents/<uuid:pk>/delete/", document_views.delete, name="delete"),
]
