"""The netmiko driver against simulated devices, FRRouting and OpenSSH, with every fault that the lab can make."""
