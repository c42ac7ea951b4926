"""The REST API: application factory, routes by resource, authentication, envelope. ``docs/rest.md`` describes it."""
