"""What can go wrong with a condition: it cannot be read, or it cannot be answered.

PolicySyntaxError   the text is no condition        at save time: the policy is refused
EvaluationError     the values give no answer       at decision time: the rule denies
"""


class PolicySyntaxError(Exception):
    """A text is no condition: where (from line 1, column 1), and what was expected there."""

    def __init__(self, line: int, column: int, expected: str, message: str) -> None:
        """Keep the place, the expectation and the sentence."""
        super().__init__(line, column, expected, message)
        self.line = line
        self.column = column
        self.expected = expected
        self.message = message

    def __str__(self) -> str:
        """Say it in one line."""
        return f"line {self.line}, column {self.column}: {self.message}"


class EvaluationError(Exception):
    """A condition has no answer for these values; the reason names the field, never its value."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
