"""Processes that carry jobs out: the node worker, its fork server, pinned workers, and the FIFO pool."""
