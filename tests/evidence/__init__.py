"""The product as its users meet it: `netpulse up`, its documented commands, and what the devices saw of it."""
