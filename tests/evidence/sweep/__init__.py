"""Every device type of netmiko's, ours beside stock, on the same device."""
