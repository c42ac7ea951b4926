"""The broker beside what else network engineers run over many devices: nornir, scrapli, threads of netmiko."""
