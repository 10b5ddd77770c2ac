"""All that is claimed of the shipped model and the shipped ear, each with its figures (`claim`)."""

from __future__ import annotations

from rhythmvae.evaluation.claim import Cell, Claim, Measure

_RECOGNISED = "(two-sample accuracy; 50 is guessing)"
_TAKES = "124 takes of the Groove MIDI Dataset's validation split, which the model has not learned from"
_OURS = "rhythmvae, posterior mean"
_ONE, _PRINTED, _JOBS, _TAPS, _LABELS = "1-reconstruction", "10-programmed", "12-completion", "13-taps", "11-labels"
_HEARD, _LIBRARY, _OWN = "21-audio", "14-library", "22-own-loops"
_MILLION = "among 1,000,128 windows, without a filter"


def _job(row: str) -> Cell:
    return Cell(_JOBS, row, "ours")


def _beside(row: str, part: str) -> Cell:
    return Cell(_JOBS, row, "beside it", part)


def _label(row: str, column: str = "ours") -> Cell:
    return Cell(_LABELS, row, column)


def _own(column: str, part: int = 0) -> Cell:
    return Cell(_OWN, "48 drum machine loops", column, part)


def _found(name: str, row: str) -> Measure:
    return Measure(
        f"of them {name}",
        Cell(_LIBRARY, f"found first {row}", "figure"),
        "%",
        (("a search for the very same file", 0.0),),
        ("the best there can be:", 1.0),
        0.02,
    )


_ALL_STROKES: tuple[str, Cell | float] = ("the best there can be, what was played:", 1.0)


def claims(ear_ms: float, ear_velocity: float) -> tuple[Claim, ...]:
    """All of them.

    Args:
        ear_ms, ear_velocity: the smallest shift, and the smallest change of velocity, that an ear notices.
    """
    played = "as it was played, the best there can be:"
    return (
        Claim(
            "rebuild",
            "It plays your groove back, hit for hit",
            "The model packs two bars into a short list of numbers and plays the groove again from that list alone. A "
            "hit counts as back where the same drum sounds within 25 ms of it; hits that nobody played count against.",
            (
                Measure(
                    "of the hits of people's takes come back (F1 at 25 ms)",
                    Cell(_ONE, _OURS, "F1 25 ms"),
                    "%",
                    (
                        ("principal components with as many numbers", Cell(_ONE, "PCA", "F1 25 ms")),
                        ("the average groove, whatever you play", Cell(_ONE, "per-step mean", "F1 25 ms")),
                    ),
                    ("the best there can be, the take itself:", 1.0),
                    0.02,
                ),
                Measure(
                    "of the hits of programmed patterns come back (F1 at 25 ms)",
                    Cell(_PRINTED, "all patterns", "F1 25 ms"),
                    "%",
                    (),
                    (
                        "the best there can be, what the model's grid holds:",
                        Cell(_PRINTED, "all patterns", "Grid at 25 ms"),
                    ),
                    0.02,
                ),
            ),
            f"{_TAKES}, though the epoch to keep was chosen by them; and 106 patterns made by rule.",
            "Rolls of 64ths: the worst of these patterns keeps "
            f"{Cell(_PRINTED, '64th rolls', 'Worst at 25 ms').text} of its hits (F1 at 25 ms).",
        ),
        Claim(
            "touch",
            "Timing and loudness come back too",
            "What comes back is as early, as late and as loud as it was played, nearer than most ears can tell.",
            (
                Measure(
                    "off in time, in the mean",
                    Cell(_ONE, _OURS, "Timing ms"),
                    "ms",
                    (("principal components with as many numbers", Cell(_ONE, "PCA", "Timing ms")),),
                    ("an ear notices about", ear_ms),
                    more=False,
                ),
                Measure(
                    "of 127 off in loudness, in the mean",
                    Cell(_ONE, _OURS, "Velocity"),
                    "",
                    (("principal components with as many numbers", Cell(_ONE, "PCA", "Velocity")),),
                    ("an ear notices about", ear_velocity),
                    more=False,
                ),
            ),
            f"{_TAKES}, though the epoch to keep was chosen by them; of the hits that came back.",
            "Means hide the worst: single hits are off by far more, most of all in fast rolls and in grooves that mix "
            "very soft and very loud strokes of one drum.",
        ),
        Claim(
            "invent",
            "What it invents sounds as if somebody played it",
            "A program learns to recognise which groove is the model's and which is a person's. The nearer it stays to "
            "a coin's 50 %, the less gives the model away.",
            (SAMPLED,),
            f"192 windows of two bars of {_TAKES}, and as many samples, five times; a take is never on both sides.",
            "Two bars of a sample are the same to the cell less often than two of a drummer, and what few play is "
            f"rarer: the strongest program is right {SAMPLED.short:.2f} more often than among people, and "
            f"{SAMPLED.near:g} was wanted.",
        ),
        Claim(
            "sliders",
            "A slider does what it says",
            "Set to five places on two bars of every take, a slider is compared with what the new groove then is. 1 "
            "is the same order throughout, 0 is a slider that does nothing.",
            (
                Measure(
                    "rank correlation of asked and achieved, density",
                    Cell("5-control", "density", "Spearman"),
                    "",
                    (("a slider that does nothing", 0.0),),
                    ("the best there can be, exactly as asked:", 1.0),
                    0.05,
                ),
                Measure(
                    "rank correlation of asked and achieved, swing, the worst of them",
                    Cell("5-control", "swing", "Spearman"),
                    "",
                    (("a slider that does nothing", 0.0),),
                    ("the best there can be, exactly as asked:", 1.0),
                    0.05,
                ),
            ),
            f"Two bars of each of {_TAKES}.",
            "Of 64 windows 23 have no swing and 4 no syncopation to move: there the slider can do nothing. Single "
            "grooves stay far from what was asked.",
        ),
        Claim(
            "humanize",
            "It plays a stiff groove as a drummer would",
            "From the bare grid, without its timing and loudness, the model guesses both anew.",
            (
                Measure(
                    "off in time: the one answer of least error",
                    _job("humanize: timing, ms"),
                    "ms",
                    (("left on the grid", _beside("humanize: timing, ms", "grid")),),
                    more=False,
                ),
                Measure(
                    "of 127 off in loudness: the one answer of least error",
                    _job("humanize: velocity, of 127"),
                    "",
                    (("each drum at its usual loudness", _beside("humanize: velocity, of 127", "median")),),
                    more=False,
                ),
                Measure(
                    "nats between drawn timing and people's",
                    _job("humanize: drawn: KL of timing, nats"),
                    "",
                    (("left on the grid", _beside("humanize: drawn: KL of timing, nats", "grid")),),
                    (
                        "people against other people, the best there can be:",
                        _beside("humanize: drawn: KL of timing, nats", "training takes"),
                    ),
                    0.034,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "Nobody can guess one drummer's one take: of the grid's error in timing most is left. Grooves whose "
            "accents are a matter of style, such as a one drop, get the accents of rock.",
        ),
        Claim(
            "continue",
            "It goes on where your bars end",
            "The model writes the bars that come next. They are compared with the bar that was played there, and with "
            "what people play, as invented grooves are.",
            (
                Measure(
                    "of the next bar is right (F1)",
                    _job("next bar: F1"),
                    "%",
                    (("the bar before once more", _beside("next bar: F1", "bar before")),),
                ),
                Measure(
                    f"of bars, played or continued, are recognised {_RECOGNISED}",
                    _job("four new bars: two-sample accuracy"),
                    "%",
                    (
                        (
                            "any sampled bars put behind",
                            _beside("four new bars: two-sample accuracy", "sampled bars behind"),
                        ),
                    ),
                    (played, _beside("four new bars: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "Four new bars are recognised as often as sampled bars that were put behind: they wander away from the "
            "groove.",
        ),
        Claim(
            "fill",
            "It fills in what is missing",
            "Some drums or bars are taken out, and the model plays them anew to what was left.",
            (
                Measure(
                    "of what was taken out comes back (F1)",
                    _job("infill: F1"),
                    "%",
                    (
                        ("what the nearest training groove has there", _beside("infill: F1", "nearest neighbour")),
                        ("the average groove", _beside("infill: F1", "per-step mean")),
                    ),
                ),
                Measure(
                    f"of grooves, played or filled in, are recognised {_RECOGNISED}",
                    _job("infill: two-sample accuracy"),
                    "%",
                    (
                        (
                            "a sample with the given part pasted over",
                            _beside("infill: two-sample accuracy", "sample, given part pasted over"),
                        ),
                    ),
                    (played, _beside("infill: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"{_TAKES}.",
            "There is more than one good way to fill a gap: what comes may fit and still be another part than yours.",
        ),
        Claim(
            "tap",
            "It makes drums of what you tap",
            "People tapped along to two bars that they heard. The model makes drums of the taps, and these are "
            "compared with the drums that were heard.",
            (
                Measure(
                    "of the drums are found from real taps (F1)",
                    Cell(_TAPS, "F1 of the drums, all", "ours"),
                    "%",
                    (
                        (
                            "the drums of the nearest training groove",
                            Cell(_TAPS, "F1 of the drums, all", "nearest neighbour"),
                        ),
                    ),
                ),
                Measure(
                    "of the rhythm is found from real taps (F1)",
                    Cell(_TAPS, "F1 of the rhythm, all", "ours"),
                    "%",
                    (("the taps alone", Cell(_TAPS, "F1 of the rhythm, all", "taps alone")),),
                ),
                Measure(
                    f"of drums, played or made of taps, are recognised {_RECOGNISED}",
                    _job("taps: two-sample accuracy"),
                    "%",
                    (("what is always recognised", 1.0),),
                    (played, _beside("taps: two-sample accuracy", "as played")),
                    0.03,
                    more=False,
                ),
            ),
            f"TapTamDrum (Haki et al. 2023), 20 segments of two bars, four people; and {_TAKES}.",
            "Half of the drums are others than those that were heard, and most segments are of takes that the model "
            "knows: of the others, 24 tappings, it finds "
            f"{Cell(_TAPS, 'F1 of the drums, not learned from', 'ours').text}.",
        ),
        Claim(
            "style",
            "It says which style a groove is in",
            "A small learned model names the style, and says so where it does not know.",
            (
                Measure(
                    "right among four styles, takes of sessions that it knows (macro F1)",
                    _label("style of four, macro F1"),
                    "",
                    (("always the most frequent style", _label("style of four, macro F1", "floor")),),
                    ("the best there can be:", 1.0),
                    0.05,
                ),
                Measure(
                    "right in a session that it does not know",
                    _label("style, new session"),
                    "",
                    (("always the most frequent style", _label("style, new session", "floor")),),
                    ("the best there can be:", 1.0),
                    0.05,
                ),
            ),
            "81 validation takes, and 894 training takes of which each session was held out in turn.",
            "In a new session or by a new drummer it is no better than the most frequent answer. Of patterns of a drum "
            "machine it mostly says that it does not know.",
        ),
        Claim(
            "ear",
            "It hears drums in a sound",
            "A second, smaller network writes down which drum is struck when in a recording of drums alone. A stroke "
            "is heard where the same drum stands within 50 ms of it; strokes that nobody played count against.",
            (
                Measure(
                    "of the strokes of real recordings are heard as what they are (F1, five kinds of drums)",
                    Cell(_HEARD, "five classes, MDB stems, F1 at 50 ms", "ours"),
                    "%",
                    (
                        (
                            "published, trained on made sounds alone as this one is (ADT_STR, 2026)",
                            Cell(_HEARD, "five classes, MDB stems, F1 at 50 ms", "published"),
                        ),
                    ),
                    _ALL_STROKES,
                    0.02,
                ),
                Measure(
                    "of them within 20 ms",
                    Cell(_HEARD, "five classes, MDB stems, F1 at 20 ms", "ours"),
                    "%",
                    (),
                    _ALL_STROKES,
                    0.02,
                ),
                Measure(
                    "of the strokes by drum kits that it never heard (F1, five kinds of drums)",
                    Cell(_HEARD, "five classes, held-out kits, F1 at 50 ms", "ours"),
                    "%",
                    (),
                    _ALL_STROKES,
                    0.02,
                ),
                Measure(
                    "of the same, each of nine drums by its own name",
                    Cell(_HEARD, "nine voices, held-out kits, F1 at 50 ms", "ours"),
                    "%",
                    (),
                    _ALL_STROKES,
                    0.02,
                ),
            ),
            "the drum stems of MDB Drums (Southall et al. 2017), real recordings; and takes by drummers and kits that "
            "it never heard.",
            "By a kit that it does not know it takes one tom for another, and an open hat for a closed one.",
        ),
        Claim(
            "library",
            "It finds a loop among all of yours",
            "One window of a take is hidden in a library of a million, and looked for by another playing of it, by "
            "another first beat, or by kick and snare alone.",
            (
                _found("are found first when they are played otherwise", "with other timing and loudness, of 64"),
                _found("are found first when they begin at another 16th", "begun at another 16th, of 64"),
                _found("are found first by kick and snare alone", "by kick and snare alone, of 60"),
                Measure(
                    "is the longest that 95 of 100 searches among a million take, on a busy machine",
                    Cell(_LIBRARY, f"as it is, {_MILLION}: median, 95th percentile", "figure", 1),
                    "ms",
                    (),
                    ("wanted were", 50.0),
                    more=False,
                ),
            ),
            f"windows of {_TAKES}, hidden among windows of training takes and samples, most of them perturbed.",
            "What is like it is a matter of which drums play where: two grooves that feel alike and share few strokes "
            "are far apart, and where nothing near is there, what comes first is not like it.",
        ),
        Claim(
            "learn",
            "It learns your own loops",
            "Fine-tuned on a handful of loops, the model plays them more exactly, and loses none that it knew.",
            (
                Measure(
                    "of 127 off in loudness, held-out loops, after it has learned 48",
                    _own("velocity", 1),
                    "",
                    (("the shipped model", _own("velocity", 0)),),
                    ("an ear notices about", ear_velocity),
                    more=False,
                ),
                Measure(
                    "of their hits come back (F1 at 50 ms)",
                    _own("fine-tuned"),
                    "%",
                    (
                        ("a model trained on them alone", _own("same, from scratch")),
                        ("principal components", _own("PCA, 128")),
                    ),
                    ("the best there can be, the loops themselves:", 1.0),
                    0.02,
                ),
            ),
            "48 one-bar loops of a drum machine, a quarter of them held out, two draws.",
            "To people who play as its own drummers did, fine-tuning adds nothing: of 12 such files none loses a hit "
            "and none gains one, and timing and loudness are off by a little more than before.",
        ),
    )


SAMPLED = Measure(
    f"of grooves, played or invented, are recognised by the strongest of four programs {_RECOGNISED}",
    Cell("4-two-sample", "samples from the prior, mean of five sets", "by the strongest of four"),
    "%",
    (
        (
            "an easier program, an LSTM of the field after eight minutes of training",
            Cell("2-architectures", "lstm, 256 latents (after GrooVAE)", "Two-sample, samples", 0),
        ),
    ),
    (
        "people against other people, the best there can be:",
        Cell("4-two-sample", "training takes (control of the strongest)", "by the strongest of four"),
    ),
    0.03,
    more=False,
)
