"""The API as clients of the NetPulse API v0.2 use it."""
