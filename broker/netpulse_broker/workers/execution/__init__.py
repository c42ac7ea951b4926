"""Carrying jobs out: the loop, the job runner, and the sessions that it keeps."""
