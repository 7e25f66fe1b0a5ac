"""The steps from one shape of the store to the next (Alembic), shipped in the package.

The daemon runs them by itself at start (``agentd/ticketing_file.py``). A new step, written by
hand, is a file in ``versions/``; it says what the tables become, never how today's code sees them.
"""
