"""Random jobs on devices with contexts and hops: what the devices are, what the jobs do, and what must hold."""
