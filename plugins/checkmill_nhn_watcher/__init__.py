"""NHN Cloud Resource Watcher."""
