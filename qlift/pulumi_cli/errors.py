"""What can go wrong on the way to an engine.

EngineError     no engine could be had, or it could not be started; the message is for people
  WayFailed     one way to an engine did not work; the message is the reason alone, as part of a sentence
"""


class EngineError(Exception):
    """No engine could be had or started; the message says why and what to do."""


class WayFailed(EngineError):
    """One of the ways to an engine failed; the message is the reason, to be shown in a list of ways."""
