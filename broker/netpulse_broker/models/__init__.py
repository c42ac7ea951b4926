"""The wire models of the REST API: what requests may say and what answers hold. ``docs/rest.md`` is their prose."""
