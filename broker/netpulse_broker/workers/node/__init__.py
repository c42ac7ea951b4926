"""The processes of a node: daemon, fork server, workers."""
