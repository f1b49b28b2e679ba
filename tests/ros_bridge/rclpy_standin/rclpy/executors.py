"""Stand-in, see ../README.md."""


class ExternalShutdownException(Exception):
    pass


class Executor:
    pass
