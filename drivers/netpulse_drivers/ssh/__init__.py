"""SSH below the level of a command line: connecting, host keys, credentials, algorithms. No netmiko in here."""
