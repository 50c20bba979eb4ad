from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("images", "0006_hash_of_pixels")]
    operations = [
        migrations.AddField(
            model_name="picture", name="start", field=models.FileField(blank=True, upload_to="starts")
        ),
        migrations.AddField(
            model_name="picture", name="start_sha256", field=models.CharField(blank=True, max_length=64)
        ),
    ]
