"""The verbs of a run, one package or module a step: reading, planning, fetching, judging, rendering, reporting."""
