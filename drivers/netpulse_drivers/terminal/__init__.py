"""Reading a device's terminal: bytes, text, prompts, echoes, pagers, refusals, as data per platform."""
