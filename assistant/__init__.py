"""The project: wiring only. Importing it imports nothing: `assistant.boot` runs before any package is there."""
