"""Jump hosts: one SSH session to each, shared by all workers of a machine. See docs/jump-hosts.md."""
