"""Training of the packaged weights: `./run train NAME`. Imports the apps; no app imports it, and no wheel ships it."""
