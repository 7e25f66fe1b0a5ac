"""agentd keeps every seat of a call centre inside its service rules, beside an Asterisk PBX."""

__version__ = "0.1.0"
