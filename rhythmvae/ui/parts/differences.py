"""What is different about a variation, in words."""

from __future__ import annotations

from rhythmvae.analysis.descriptors import slider_values
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import Groove

LEAST_DIFFERENCE = 0.1  # of a slider's way, for a card to name it
DIFFERENCES = {  # slider -> how a groove with less of it, or more, is called
    "syncopation": ("straighter beat", "more syncopated"),
    "swing": ("less swing", "more swing"),
    "dynamics": ("more even", "more accents"),
    "looseness": ("tighter", "looser"),
    "loudness": ("softer", "harder"),
    "density_kick": ("sparser kick", "busier kick"),
    "density_snare": ("sparser snare", "busier snare"),
    "density_hats": ("sparser hats", "busier hats"),
    "density_toms": ("fewer toms", "more toms"),
    "density_cymbals": ("fewer cymbals", "more cymbals"),
}


def difference(start: Groove, made: Groove, quantiles: Quantiles) -> str:
    """What is most different about a groove, in words: at most two sliders that moved by a tenth of their way."""
    before, after = slider_values(start), slider_values(made)
    moved = {}
    for name, (less, more) in DIFFERENCES.items():
        was, now = before[name], after[name]
        if was is not None and now is not None and name in quantiles.knots:
            by = quantiles.quantile(name, now) - quantiles.quantile(name, was)
            moved[more if by > 0 else less] = abs(by)
    most = sorted((words for words, by in moved.items() if by >= LEAST_DIFFERENCE), key=lambda words: -moved[words])
    return ", ".join(most[:2]) or "much like the start"
