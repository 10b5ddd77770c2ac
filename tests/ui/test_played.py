"""What a browser plays, as JSON has it."""

from __future__ import annotations

import subprocess
import sys

from grooves import groove, random_groove
from toys import quantiles

from rhythmvae.analysis.descriptors import slider_values
from rhythmvae.groove import Meter
from rhythmvae.model.variation import SliderLane
from rhythmvae.ui import played


def test_hits_are_voice_position_and_velocity() -> None:
    assert played.hits(groove((0, "kick", 90), (6.33333, "ride", 1), n_steps=16)) == [[0, 0.0, 90], [8, 6.3333, 1]]


def test_sliders_stand_where_the_groove_has_them_and_not_where_it_has_none() -> None:
    made = random_groove(1, 36, 40, meters=(Meter(0.0, 6, 8),))
    found, values = played.stands(made, quantiles()), slider_values(made)
    assert "swing" not in found
    for name, percent in found.items():
        value = values[name]
        assert value is not None
        assert percent == round(100 * quantiles().quantile(name, value))


def test_a_lane_comes_back_as_it_was_packed_and_the_same_lane_is_the_same_bytes() -> None:
    grooves = tuple(random_groove(seed, n_hits=20) for seed in range(2))
    made = played.lane(SliderLane("density", tuple([0] * 50 + [1] * 51), grooves), quantiles())
    data = played.packed(made)
    assert played.unpacked(data) == made
    assert played.packed(made) == data
    assert len(data) < len(played.text(made)) / 2
    assert [len(hits) for hits in made["grooves"]] == [len(each) for each in grooves]


def test_a_worker_writes_it_without_streamlit() -> None:
    code = "import sys, rhythmvae.ui.played; print([name for name in ('streamlit', 'torch') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
