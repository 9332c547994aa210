"""Nezha dashboards."""
