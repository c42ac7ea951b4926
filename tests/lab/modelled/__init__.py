"""Devices that are known completely: one model gives their configuration, their surroundings, and what each NAPALM
getter has to answer about them. Nothing here was recorded from a device or from an answer."""
