"""Numbers of grooves and bars: the same alone and among others, of a loop and of the same loop twice."""

from __future__ import annotations

import numpy as np
from grooves import random_groove

from rhythmvae.analysis import features
from rhythmvae.analysis.elements import elements
from rhythmvae.analysis.timing import timing
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove


def gathered(*grooves: Groove) -> features.Hits:
    return features.gathered([(timing(groove), elements(groove)) for groove in grooves])


def test_each_of_many_has_the_numbers_that_it_has_alone() -> None:
    grooves = [pattern.groove() for pattern in EXAMPLES.values()] + [random_groove(1)]
    hits = gathered(*grooves)
    alone = [gathered(groove) for groove in grooves]
    np.testing.assert_allclose(features.of_grooves(hits), np.vstack([features.of_grooves(one) for one in alone]))
    np.testing.assert_allclose(features.of_bars(hits), np.vstack([features.of_bars(one) for one in alone]))


def test_a_loop_that_goes_round_twice_has_the_same_numbers() -> None:
    for name in ("funk", "shuffle", "waltz"):
        once, twice = (features.of_grooves(gathered(example(name).looped(n))) for n in (1, 2))
        np.testing.assert_allclose(once, twice, atol=0.02)


def test_silence_has_numbers() -> None:
    rock = example("rock")
    rows = features.of_grooves(gathered(Groove.silent(16, rock.tempos, rock.meters), rock))
    assert np.isfinite(rows).all()
    assert rows.shape == (2, features.n_of_grooves())
    assert features.of_bars(gathered(rock)).shape == (rock.n_bars, features.n_of_bars())
