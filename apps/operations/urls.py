"""URLs of set-up, the Doctor, the site's settings, health checks and the installable app."""

from __future__ import annotations

from django.urls import path

from apps.operations import health_views, metrics_views, pwa_views, settings_views, setup_views
from apps.operations.doctor import views

app_name = "operations"
urlpatterns = [
    path("setup/", setup_views.show_setup, name="setup"),
    path("setup/model/", setup_views.show_model_step, name="setup_model"),
    path("setup/reading/", setup_views.show_reading_step, name="setup_reading"),
    path("setup/embedding/", setup_views.show_embedding_step, name="setup_embedding"),
    path("setup/sample/", setup_views.show_sample_step, name="setup_sample"),
    path("setup/ask/", setup_views.start_sample_chat, name="setup_ask"),
    path("doctor/", views.show_doctor, name="doctor"),
    path("doctor/<slug:name>/", views.run_check, name="check"),
    path("settings/", settings_views.edit_settings, name="settings"),
    path("status/", health_views.show_model_status, name="status"),
    path("manifest/<slug:code>.webmanifest", pwa_views.serve_manifest, name="manifest"),
    path("service-worker.js", pwa_views.serve_service_worker, name="service_worker"),
    path("share/", pwa_views.receive_share, name="share"),
    path("offline/<slug:code>/", pwa_views.show_offline_page, name="offline"),
    path("health/live/", health_views.check_alive, name="live"),
    path("health/ready/", health_views.check_ready, name="ready"),
    path("metrics", metrics_views.show_metrics, name="metrics"),
]
