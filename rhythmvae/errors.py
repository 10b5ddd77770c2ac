"""The errors a page or the command line may show to a user.

Every message is one sentence or two that say what was expected, what came, and
the way out. Anything that is not a `RhythmVAEError` is a bug and stays loud.
"""


class RhythmVAEError(Exception):
    """Base of the family: its text is meant for the person at the screen."""


class UsageError(RhythmVAEError):
    """An option or argument that makes no sense, from the command line or a form."""


class MidiError(RhythmVAEError):
    """A file that cannot be read as drum MIDI."""


class CorpusError(RhythmVAEError):
    """A folder, archive or set of files that yields no usable data."""


class TrainingError(RhythmVAEError):
    """A training run that came to nothing."""


class CheckpointError(RhythmVAEError):
    """A checkpoint that is foreign, damaged, too large or of another version."""


class LatentsError(RhythmVAEError):
    """A latents file that is foreign, damaged or of another version or model."""


class ShareError(RhythmVAEError):
    """The text of a link that is foreign, damaged or of another version, or a groove too long for one."""
