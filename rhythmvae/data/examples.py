"""Built-in patterns, written so that a drummer can read them.

A pattern is a block of lines. The first names it (``key: title``), the second says
what it is, the third sets it up, and each further line is one voice::

    funk: Funk
    Ghost notes between the backbeats.
    98 bpm, 4/4, loose 5 ms, snare +6 ms
    closed_hat | X.x. X.x. X.x. X.x. | % |
    snare      | .... X..g .g.. X..g | .... X..g .g.f X... |

* ``|`` separates bars, spaces separate *groups*. A bar falls into equal groups and a
  group into equal columns, so the four beats of ``x.x. xxx xxxxxx x`` are 16ths, a
  triplet, a sextuplet and a quarter note. ``%`` repeats the bar before, a lone ``.``
  is an empty bar.
* ``X`` accent, ``x`` hit, ``o`` soft hit, ``g`` ghost note, ``f`` flam (a grace note
  before an accent), ``d`` double (two soft strokes within the column), ``.`` rest.
* ``bpm`` counts quarter notes, whatever the meter. ``swing 8ths 62 %`` puts the second
  of two eighths at 62 % of the pair (50 is straight, 67 a triplet); also for 16ths.
  ``snare +6 ms`` plays a voice late, a negative number early. ``loose 5 ms`` is the
  standard deviation of a player's timing; velocities vary with it. The variation is
  drawn once from the pattern's key, so a pattern is the same groove every time.

>>> groove = parse('''
... demo: Demo
... Two beats and a flam.
... 120 bpm, 2/4
... kick  | X. .x | X. .. |
... snare | .  X  | .. .f |
... ''').groove()
>>> [(float(p), VOICE_KEYS[v]) for p, v in zip(groove.position[:4], groove.voice)]
[(0.0, 'kick'), (4.0, 'snare'), (6.0, 'kick'), (8.0, 'kick')]
>>> groove.n_bars, len(groove)
(2, 6)
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from rhythmvae.errors import UsageError
from rhythmvae.groove import MAX_VELOCITY, STEPS_PER_QUARTER, Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS

VELOCITY = {"X": 116, "x": 92, "o": 66, "g": 30, "f": 112, "d": 58}
GRACE_VELOCITY = 54
GRACE_LEAD_MS = 28.0  # a flam's grace note comes this long before its stroke
VELOCITY_PER_MS = 1.2  # how far velocity strays for every millisecond of looseness


@dataclass(frozen=True)
class Pattern:
    """A parsed block. `bars[voice]` holds one string per bar, repeats written out."""

    key: str
    title: str
    description: str
    tempo_bpm: float
    numerator: int
    denominator: int
    bars: dict[str, tuple[str, ...]]
    swing_steps: float = 0.0  # length of the swung pair, in steps; 0 for straight
    swing_share: float = 0.5
    loose_ms: float = 0.0
    late_ms: dict[str, float] = field(default_factory=dict)

    def groove(self) -> Groove:
        """The pattern as a groove; no hit lies before the first step."""
        meter = Meter(0.0, self.numerator, self.denominator)
        tempo = Tempo(0.0, self.tempo_bpm)
        steps_per_ms = 1e-3 / tempo.seconds_per_step
        n_bars = max(len(bars) for bars in self.bars.values())
        rng = np.random.default_rng(zlib.crc32(self.key.encode()))
        hits: list[tuple[float, int, int]] = []
        for voice, bars in self.bars.items():
            for bar, text in enumerate(bars):
                for column, length, symbol in _columns(text, meter.steps_per_bar):
                    position = self._swung(bar * meter.steps_per_bar + column)
                    stray = rng.standard_normal(2) * self.loose_ms
                    position += (self.late_ms.get(voice, 0.0) + stray[0]) * steps_per_ms
                    velocity = VELOCITY[symbol] + stray[1] * VELOCITY_PER_MS
                    strokes = [(position, velocity)]
                    if symbol == "f":
                        strokes.append((position - GRACE_LEAD_MS * steps_per_ms, GRACE_VELOCITY))
                    elif symbol == "d":
                        strokes.append((position + length / 2, velocity - 8))
                    hits += [
                        (max(p, 0.0), VOICE_INDEX[voice], int(np.clip(round(v), 1, MAX_VELOCITY))) for p, v in strokes
                    ]
        table = np.array(hits, dtype=np.float64).reshape(-1, 3)
        return Groove(
            table[:, 0],
            table[:, 1].astype(np.int64),
            table[:, 2].astype(np.int64),
            n_steps=round(n_bars * meter.steps_per_bar),
            tempos=(tempo,),
            meters=(meter,),
            title=self.title,
            source="built-in pattern",
        )

    def _swung(self, position: float) -> float:
        if not self.swing_steps:
            return position
        pair, phase = divmod(position / self.swing_steps, 1.0)
        if phase < 0.5:
            phase *= 2 * self.swing_share
        else:
            phase = self.swing_share + (phase - 0.5) * 2 * (1 - self.swing_share)
        return float((pair + phase) * self.swing_steps)


def _columns(bar: str, steps_per_bar: float) -> list[tuple[float, float, str]]:
    """(position, length, symbol) of every stroke of a bar, in steps from its start."""
    groups = bar.split()
    strokes = []
    for g, group in enumerate(groups):
        length = steps_per_bar / len(groups) / len(group)
        start = g * steps_per_bar / len(groups)
        strokes += [(start + i * length, length, s) for i, s in enumerate(group) if s != "."]
    return strokes


_SETTINGS = {
    "tempo": re.compile(r"(?P<bpm>[\d.]+) bpm"),
    "meter": re.compile(r"(?P<numerator>\d+)/(?P<denominator>\d+)"),
    "swing": re.compile(r"swing (?P<note>8|16)ths (?P<share>[\d.]+) %"),
    "loose": re.compile(r"loose (?P<ms>[\d.]+) ms"),
    "late": re.compile(rf"(?P<voice>{'|'.join(VOICE_KEYS)}) (?P<ms>[+-][\d.]+) ms"),
}


def parse(text: str) -> Pattern:
    """Read one block of the notation above.

    Raises:
        ValueError: what is wrong and where; patterns are written by us, so this is a bug.
    """
    name, description, setup, *lines = [line.strip() for line in text.strip().splitlines()]
    key, _, title = name.partition(": ")
    meter: tuple[int, int] | None = None
    tempo_bpm: float | None = None
    swing_steps, swing_share, loose_ms = 0.0, 0.5, 0.0
    late_ms: dict[str, float] = {}
    for phrase in setup.split(", "):
        found = {k: m for k, pattern in _SETTINGS.items() if (m := pattern.fullmatch(phrase))}
        if not found:
            raise ValueError(f"{key}: cannot read the setting {phrase!r}")
        (kind, match), *_ = found.items()
        if kind == "tempo":
            tempo_bpm = float(match["bpm"])
        elif kind == "meter":
            meter = int(match["numerator"]), int(match["denominator"])
        elif kind == "swing":
            # A pair of eighths is a quarter note long, a pair of sixteenths half of one.
            swing_steps = STEPS_PER_QUARTER * 8 / int(match["note"])
            swing_share = float(match["share"]) / 100
        elif kind == "loose":
            loose_ms = float(match["ms"])
        else:
            late_ms[match["voice"]] = float(match["ms"])
    if tempo_bpm is None or meter is None:
        raise ValueError(f"{key}: the third line must give a tempo and a meter, got {setup!r}")
    return Pattern(
        key,
        title,
        description,
        tempo_bpm,
        *meter,
        bars=_bars(key, lines),
        swing_steps=swing_steps,
        swing_share=swing_share,
        loose_ms=loose_ms,
        late_ms=late_ms,
    )


def _bars(key: str, lines: list[str]) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in lines:
        voice, *cells = [part.strip() for part in line.rstrip("|").split("|")]
        if voice not in VOICE_INDEX or voice in table:
            raise ValueError(f"{key}: {voice!r} is not a voice, or is there twice")
        bars: list[str] = []
        for cell in cells:
            bars.append(bars[-1] if cell == "%" and bars else cell)
        unknown = set("".join(bars)) - set(VELOCITY) - {".", " "}
        if unknown or not all(bars):
            raise ValueError(f"{key}, {voice}: an empty bar or unknown characters {sorted(unknown)}")
        table[voice] = tuple(bars)
    lengths = {voice: len(bars) for voice, bars in table.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"{key}: voices differ in their number of bars: {lengths}")
    return table


_BOOK = """
funk: Funk
Sixteenths with ghost notes around the backbeat and an open hat to breathe.
98 bpm, 4/4, swing 16ths 54 %, loose 4 ms, snare +6 ms, closed_hat -2 ms
closed_hat | X.x. X.x. X.x. X.x. | X.x. X.x. X.x. X... | X.x. X.x. X.x. X.x. | X.x. X.x. X.x. ....  |
open_hat   | .                   | .... .... .... ..x. | .                   | .                    |
snare      | .... X..g .g.g X..g | .g.. X..g .g.g X..g | .... X..g .g.g X..g | .g.. X..g .gxg X.dX  |
kick       | X..x .... ..X. ...x | X..x ..x. ..X. .x.. | X..x .... ..X. ...x | X.x. ..x. ..X. x...  |

rock: Rock
Straight eighths, a solid backbeat, and a fill round the toms.
116 bpm, 4/4, loose 5 ms, snare +4 ms
crash      | X                   | .                   | .                   | .                    |
closed_hat | ..x. X.x. X.x. X.x. | X.x. X.x. X.x. X.x. | %                   | X.x. X.x. .... ....  |
snare      | .... X... .... X... | %                   | .... X... .... X..g | .... X... xx.. ....  |
high_tom   | .                   | .                   | .                   | .... .... ..Xx ....  |
mid_tom    | .                   | .                   | .                   | .... .... .... Xx..  |
low_tom    | .                   | .                   | .                   | .... .... .... ..XX  |
kick       | X... .... X.x. .... | X... ...x X.x. .... | X... .... X.x. .... | X..x ...x X... x...  |

half_time: Half-time rock
One heavy backbeat a bar, on three, over an open hat.
142 bpm, 4/4, loose 5 ms, snare +7 ms
crash      | X                   | .                   | .                   | .                   |
open_hat   | .... X... X... X... | X... X... X... X... | %                   | X... X... .... .... |
snare      | .... .... X... .... | %                   | .... .... X... ...g | .... .... X.xx XXxX |
low_tom    | .                   | .                   | .                   | .... .... .... ..xX |
kick       | X..x .... .... ..x. | X... ..X. .... x... | X..x .... .... ..x. | X.X. ..x. .... .... |

disco: Disco
Four on the floor, with the open hat lifting every offbeat.
118 bpm, 4/4, loose 3 ms
closed_hat | X..o X..o X..o X..o | %                   |
open_hat   | ..x. ..x. ..x. ..x. | %                   |
snare      | .... X... .... X... | .... X... .... X.gx |
kick       | X... X... X... X... | %                   |

house: House
A machine on the floor: kick on every beat, backbeat, shuffled hats.
124 bpm, 4/4, swing 16ths 56 %
ride       | .                   | .                   | ..o. ..o. ..o. ..o. | %                   |
open_hat   | ..X. ..X. ..X. ..X. | %                   | %                   | ..X. ..X. ..X. ..Xx |
closed_hat | o..o o..o o..o o..o | %                   | o..o o..o o..o x..o | o..o o..o o..o o... |
snare      | .... X... .... X... | %                   | .... X..o .... X... | .... X... .o.. X.ox |
kick       | X... X... X... X... | %                   | %                   | X... X... X... X..x |

trap: Trap
Slow backbeat, fast hats: rolls in triplets and thirty-seconds.
142 bpm, 4/4
open_hat   | .                       | .... .... .... ..x.     | .                        | .... .... .... ..X.     |
closed_hat | X.x. X.x. X.x. xxxxxx   | X.x. X.x. xxxxxxxx X... | X.x. xxx X.x. X.x.       | X.x. xxxxxx XxXx X...   |
snare      | .... .... X... ....     | %                       | .... .... X... ....      | .... .... X... .oox     |
kick       | X... .... ..x. ...X     | .... ..X. ...x ....     | X... ...x ..x. ....      | X... .... ..X. x...     |

drum_and_bass: Drum and bass
A chopped break at speed, with ghosted snares rolling between.
172 bpm, 4/4, loose 2 ms
ride       | X.x. X.x. X.x. X.x. | %                   | %                   | X.x. X.x. X.x. X... |
snare      | .... X..g .g.. X..g | .... X..g .g.x .... | .... X..g .g.. X..g | .g.. X..g .gxg .Xxx |
kick       | X.x. .... ..X. .... | X.x. .... ..X. .... | X.x. .... ..X. .... | X.x. .... ..X. X... |
crash      | X                   | .                   | .                   | .... .... .... X... |

breakbeat: Breakbeat
A dusty two-bar break: early kicks, a late snare and a lazy sixteenth swing.
92 bpm, 4/4, swing 16ths 59 %, loose 5 ms, snare +10 ms
closed_hat | X.x. X.x. X.x. X.x. | X.x. X.x. X.x. X... |
open_hat   | .                   | .... .... .... ..x. |
snare      | .... X..g .g.. X..g | .... X..g .... Xg.x |
kick       | X.X. .... ..XX .... | X.X. ...x ..X. .... |

shuffle: Shuffle
Triplet eighths with a walking kick.
126 bpm, 4/4, loose 4 ms
closed_hat | X.x X.x X.x X.x | %               | %               | X.x X.x X.x ... |
snare      | ... X.. ... X.. | ... X.g ... X.g | ... X.. ... X.. | ... X.. ..g Xxx |
kick       | X.. ... X.x ... | X.x ... X.x ... | X.. ... X.x ... | X.x ..x X.. ... |

half_time_shuffle: Half-time shuffle
Triplets, ghost notes in the middle of each, and the backbeat on three.
152 bpm, 4/4, loose 4 ms, snare +3 ms
closed_hat | X.x X.x X.x X.x | %               | %               | X.x X.x X.x X.. |
open_hat   | .               | .               | .               | ... ... ... ..x |
snare      | .g. .g. Xg. .g. | %               | %               | .g. .g. Xg. .gg |
kick       | X.. ..x ... ... | X.. ..x ... ..x | X.. ..x ... ... | X.x ..x ... x.. |

bossa: Bossa nova
Cross-stick clave over a heartbeat on the bass drum.
140 bpm, 4/4, loose 4 ms
closed_hat | Xo xo xo xo | % | % | %           |
snare      | x. .x .. x. | .. x. .x .. | x. .x .. x. | .. x. .x .g |
kick       | X. .x X. .x | % | % | %           |

samba: Samba
Two beats to the bar, driven by the low drum and a rolling snare.
104 bpm, 2/4, swing 16ths 53 %, loose 4 ms
ride       | X.xx .x.x | x.x. xx.x | X.xx .x.x | x.x. xx.x |
closed_hat | ..x. ..x. | %         | %         | %         |
snare      | Xggx ggXg | gxgg Xggx | Xggx ggXg | gxgg XgXx |
low_tom    | .... X... | %         | %         | .... X..x |
kick       | x..x X..x | %         | %         | %         |

afrobeat: Afrobeat
Interlocking kick and snare that never land where rock would put them.
110 bpm, 4/4, swing 16ths 55 %, loose 4 ms, closed_hat -3 ms
closed_hat | X.xX x.Xx X.xX x.Xx | %                   | %                   | X.xX x.Xx X.xX x... |
open_hat   | .                   | .                   | .                   | .... .... .... ..x. |
snare      | ...g ..X. .g.X ..g. | ...g ..X. .g.X .g.. | ...g ..X. .g.X ..g. | ...g ..X. .g.X ..Xx |
kick       | X.X. .... x.X. .... | X.X. ...x ..X. .... | X.X. .... x.X. .... | X.X. ...x ..X. x... |

motown: Soul stomp
The snare on all four, a pushing kick, and a pickup into the top.
128 bpm, 4/4, loose 5 ms
closed_hat | X.x. X.x. X.x. X.x. | %                   | %                   | X.x. X.x. X.x. .... |
snare      | x... X... x... X... | %                   | %                   | x... X... x.xx XxXx |
kick       | X... ..x. X.x. .... | X... ..x. X..x ..x. | X... ..x. X.x. .... | X... ..x. X... .... |

reggae: One drop
Beat one left empty; kick and cross-stick fall together on three.
74 bpm, 4/4, swing 8ths 60 %, loose 5 ms, snare +5 ms
closed_hat | Xo Xo Xo Xo | %               | Xo Xo Xo X.     | Xo Xo xx ..     |
open_hat   | .           | .               | .. .. .. .x     | .               |
snare      | .. .. X. .. | .... .... X... .g.. | .. .. X. .. | .... .... X.xx f.x. |
high_tom   | .           | .               | .               | .... .... .... .x.. |
kick       | .. .. X. .. | %               | %               | %               |

waltz: Jazz waltz
Three in the bar: a dancing ride, the foot on two, light comping.
152 bpm, 3/4, swing 8ths 64 %, loose 5 ms, ride -2 ms
ride       | X. xo x. | X. xo xo | X. xo x. | X. x. xo |
closed_hat | .. x. .. | %        | %        | %        |
snare      | .. .g .. | .. .. .o | .g .. .o | .. .o .g |
kick       | o. .. .. | o. .. .g | o. .. .. | o. .g .. |

ballad: Slow six
A 6/8 ballad, opening up into the turn.
84 bpm, 6/8, loose 5 ms, snare +5 ms
crash      | X             | .             | .             | .             |
closed_hat | ..x.x. X.x.x. | X.x.x. X.x.x. | %             | X.x.x. X.x... |
open_hat   | .             | .             | .             | ...... ....x. |
snare      | ...... X..... | ...... X....g | ...... X..... | .....g X...xx |
kick       | X..... ....x. | X...x. ...... | X..... ....x. | X...x. ...... |

blues: Slow blues
12/8: four beats of three, with a cross-stroke before the top.
93 bpm, 12/8, loose 5 ms, snare +6 ms
crash      | .               | X..             ... ... ... |
closed_hat | Xxx Xxx Xxx Xxx | .xx Xxx Xxx Xx. |
open_hat   | .               | ... ... ... ..x |
snare      | ... X.. ..g X.. | ... X.. ..g Xgx |
kick       | X.. ..x X.x ... | X.. ..x X.. ..x |

five: Five
5/4 as three and two, swung on the ride.
164 bpm, 5/4, swing 8ths 63 %, loose 4 ms
ride       | X. xo x. X. xo | X. xo xo X. x. |
closed_hat | .. x. .. .. x. | %              |
snare      | .. .. .g .. .. | .g .. .o .. .o |
kick       | x. .. .o x. .. | x. .. .. x. .g |

seven: Seven
7/8 as two, two and three.
132 bpm, 7/8, loose 4 ms
closed_hat | X. x. X. x. X. x. x. | % | % | X. x. X. x. X. .. .. |
snare      | .. .. X. .. .. .. .. | .. .. X. .. .. .g .. | .. .. X. .. .. .. .. | .. .. X. .. .. xx Xx |
kick       | X. .. .. .x X. .x .. | % | X. .. .. .x X. .x x. | X. .. .. .x X. .. .. |
"""

EXAMPLES: dict[str, Pattern] = {p.key: p for p in map(parse, _BOOK.strip().split("\n\n"))}


@cache
def example(key: str) -> Groove:
    """A built-in pattern as a groove.

    Raises:
        UsageError: there is no such pattern; EXAMPLES has them all.

    >>> from rhythmvae import example
    >>> example("waltz").meters[0].numerator
    3
    """
    if key not in EXAMPLES:
        raise UsageError(f"Expected one of the built-in patterns ({', '.join(EXAMPLES)}), got {key!r}.")
    return EXAMPLES[key].groove()
