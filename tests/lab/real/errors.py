"""What the lab raises."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not be started or driven. The message carries the failing tool's own text."""


class LabUnavailable(LabError):
    """This machine lacks something that the lab needs; the message says what, and what to do."""
