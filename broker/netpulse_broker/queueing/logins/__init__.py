"""Credentials that devices refuse: which are suspended where, and the tries that are under way on all nodes."""
