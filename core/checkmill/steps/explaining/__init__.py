"""Explains a check: what it reads, from which requests, what it selects, and how each service is judged, as facts.

Nothing is fetched or judged here; what came of that is given. Both forms, text and JSON, are made from the facts.

    facts       what there is to say
    rules       what a rule says by itself
    selecting   which samples were left out, and why
    services    by which levels each service was judged, and what templates know of it
    remembering what earlier runs left, and what is expected because of it
    settings    settings and queries, without secrets
    document    the facts as JSON
"""

from __future__ import annotations

from checkmill.steps.explaining.document import json_text
from checkmill.steps.explaining.facts import (
    Expectation,
    Explanation,
    FetchFacts,
    LevelFacts,
    SampleFacts,
    Setting,
    SilentFacts,
    StoredFacts,
)
from checkmill.steps.explaining.remembering import Looked, expectation_of, remembered_of
from checkmill.steps.explaining.rules import fetch_facts, metric_facts, report_facts, source_facts
from checkmill.steps.explaining.selecting import sample_facts
from checkmill.steps.explaining.services import PROBE, Judged, service_facts, variables_of

__all__ = [
    "PROBE",
    "Expectation",
    "Explanation",
    "FetchFacts",
    "Judged",
    "LevelFacts",
    "Looked",
    "SampleFacts",
    "Setting",
    "SilentFacts",
    "StoredFacts",
    "expectation_of",
    "fetch_facts",
    "json_text",
    "metric_facts",
    "remembered_of",
    "report_facts",
    "sample_facts",
    "service_facts",
    "source_facts",
    "variables_of",
]
