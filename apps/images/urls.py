"""URLs of the gallery, presets, inpainting and the verification of pictures."""

from django.urls import path

from apps.images.views import gallery, inpainting, presets, verify

app_name = "images"
urlpatterns = [
    path("pictures/", gallery.show_gallery, name="pictures"),
    path("pictures/expand/", gallery.expand_prompt, name="expand"),
    path("pictures/presets/", presets.save_preset, name="presets"),
    path("pictures/presets/<int:pk>/", presets.rename_preset, name="preset"),
    path("pictures/presets/<int:pk>/delete/", presets.delete_preset, name="delete_preset"),
    path("pictures/tiles/", gallery.show_tiles, name="tiles"),
    path("pictures/delete/", gallery.delete_pictures, name="delete"),
    path("pictures/download/", gallery.download_pictures, name="download"),
    path("pictures/<uuid:pk>/", gallery.show_picture, name="picture"),
    path("pictures/<uuid:pk>/change/", inpainting.inpaint_picture, name="change"),
    path("pictures/<uuid:pk>/file.png", gallery.serve_file, name="file"),
    path("pictures/<uuid:pk>/preview.jpg", gallery.serve_preview, name="preview"),
    path("pictures/<uuid:pk>/cancel/", gallery.cancel_drawing, name="cancel"),
    path("pictures/<uuid:pk>/again/", gallery.draw_variation, name="again"),
    path("pictures/<uuid:pk>/repeat/", gallery.repeat_drawing, name="repeat"),
    path("pictures/<uuid:pk>/upscale/", gallery.upscale_picture, name="upscale"),
    path("pictures/<uuid:pk>/frames/<int:step>.jpg", gallery.serve_frame, name="frame"),
    path("pictures/<uuid:pk>/favourite/", gallery.toggle_favourite, name="favourite"),
    path("verify/", verify.verify_picture, name="verify"),
]
