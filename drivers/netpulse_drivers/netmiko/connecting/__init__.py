"""Reaching a device and logging in with netmiko: arguments, route, SSH, Telnet, keepalive."""
