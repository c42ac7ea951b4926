"""What a request asks for, read once: options merged, connections checked, templates run, jobs made."""
