from django.urls import path

from apps.images import changing, preset_views, verify, views

app_name = "images"
urlpatterns = [
    path("pictures/", views.pictures, name="pictures"),
    path("pictures/expand/", views.expand, name="expand"),
    path("pictures/presets/", preset_views.keep, name="presets"),
    path("pictures/presets/<int:pk>/", preset_views.rename, name="preset"),
    path("pictures/presets/<int:pk>/delete/", preset_views.delete, name="delete_preset"),
    path("pictures/tiles/", views.tiles, name="tiles"),
    path("pictures/delete/", views.delete, name="delete"),
    path("pictures/download/", views.download, name="download"),
    path("pictures/<uuid:pk>/", views.picture, name="picture"),
    path("pictures/<uuid:pk>/change/", changing.change, name="change"),
    path("pictures/<uuid:pk>/file.png", views.file, name="file"),
    path("pictures/<uuid:pk>/preview.jpg", views.preview, name="preview"),
    path("pictures/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("pictures/<uuid:pk>/again/", views.again, name="again"),
    path("pictures/<uuid:pk>/repeat/", views.repeat, name="repeat"),
    path("pictures/<uuid:pk>/upscale/", views.upscale, name="upscale"),
    path("pictures/<uuid:pk>/frames/<int:step>.jpg", views.frame, name="frame"),
    path("pictures/<uuid:pk>/favourite/", views.favourite, name="favourite"),
    path("verify/", verify.verify, name="verify"),
]
