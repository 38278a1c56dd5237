"""The errors of this room."""


class BundleError(Exception):
    """Lists every problem of a bundle, one a line, each with its file and a remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class BlobError(Exception):
    """The app-file store cannot be written; the message says what to do."""
