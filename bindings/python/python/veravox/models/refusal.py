"""What is not brought in."""


class Refused(Exception):
    """The checkpoint is not what it should be; the message says what was expected and what came."""
