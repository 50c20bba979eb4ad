"""Addresses of set-up, the Doctor, the site's settings, and the small answers for machines."""

from __future__ import annotations

from django.urls import path

from apps.operations import app_views, doctor_views, settings_views, setup_views, status_views

app_name = "operations"
urlpatterns = [
    path("setup/", setup_views.setup, name="setup"),
    path("setup/model/", setup_views.model, name="setup_model"),
    path("setup/reading/", setup_views.reading, name="setup_reading"),
    path("setup/embedding/", setup_views.embedding, name="setup_embedding"),
    path("setup/sample/", setup_views.sample_collection, name="setup_sample"),
    path("setup/ask/", setup_views.ask, name="setup_ask"),
    path("doctor/", doctor_views.doctor, name="doctor"),
    path("doctor/<slug:name>/", doctor_views.check, name="check"),
    path("settings/", settings_views.settings, name="settings"),
    path("status/", status_views.status, name="status"),
    path("manifest/<slug:code>.webmanifest", app_views.manifest, name="manifest"),
    path("service-worker.js", app_views.service_worker, name="service_worker"),
    path("offline/<slug:code>/", app_views.offline, name="offline"),
    path("health/live/", status_views.live, name="live"),
    path("health/ready/", status_views.ready, name="ready"),
]
