"""From a validated request to a queued job and back to its result: the controller's side."""
