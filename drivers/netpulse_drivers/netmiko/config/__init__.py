"""Changes through netmiko: modes, commits, timers, saving."""
