"""The private Valkey/Redis server of ``netpulse up``.

``server.EmbeddedServer`` starts it or attaches to one that still runs. A *keeper* process owns the server: it starts it
again when it dies, and stops it when nobody holds the *lifeline* any more. This package's root imports nothing, because
the keeper is to stay small.
"""
