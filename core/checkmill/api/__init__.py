"""The plugin API, one module a version."""
