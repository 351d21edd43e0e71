"""Archive: the log carried from place to place, every event verified on the way.

    log, .jsonl, backup ──read──► rows ──verify the chain──► whole appends ──write──► log, .jsonl
                                                                               └─ read back

    lines      one event as one line of JSON            streams    lines in files, pipes and gzip
    sources    where rows come from                     exports, logs, staging   where they go
    carrying   from one to the other, resumably         backup     a folder of lines, keys, manifest

What goes wrong has one of three names, beside the broken world's `StoreUnavailable`:

    ArchiveProblem ─┬─ NotAnArchive   this is not what was meant, or not for this program
                    ├─ Damaged        it was changed or cut; says where
                    └─ Refused        it is sound, but must not go there
"""


class ArchiveProblem(Exception):
    """The log was not carried; the message says why and what to do."""


class NotAnArchive(ArchiveProblem):
    """What was named is no log, no export, no backup, or one of a format not known here."""


class Damaged(ArchiveProblem):
    """Something is not as it was written; `position` is the first event that cannot be trusted."""

    def __init__(self, message: str, *, position: int) -> None:
        """Say what is wrong, and from which position on."""
        super().__init__(message)
        self.position = position


class Refused(ArchiveProblem):
    """Two sound things that do not belong together, or a place that is taken."""
