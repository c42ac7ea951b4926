"""Nodes in Redis: leases, orders, which node owns which device, and what is swept up after a dead one."""
