"""agentd keeps every seat of a call centre inside its service rules, live, beside an Asterisk PBX."""

__version__ = "0.1.0"
