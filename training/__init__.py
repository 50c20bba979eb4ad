"""Make the packaged weights that are taught here. Imports the apps; no app imports it, and no wheel ships it."""
