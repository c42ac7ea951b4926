"""Templates: texts rendered into commands and configuration, and outputs parsed into data.

Whatever interprets a template runs in a process made for that one piece of work (``process``), which knows no secret,
can open nothing, and is ended by the kernel when its time is over.
"""
