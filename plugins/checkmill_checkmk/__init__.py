"""Checkmk's SLA web API."""
