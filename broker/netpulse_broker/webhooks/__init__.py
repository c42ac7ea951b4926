"""Webhooks: calls when a job has ended.

A job that wants one carries, sealed, the job of delivering it. The script that ends the job queues that delivery in the
same step, so no end goes untold, whatever it was. FIFO workers deliver (``deliverer``); a failed attempt puts the next
one on the list of due times, and what stays undelivered is a dead letter.
"""
