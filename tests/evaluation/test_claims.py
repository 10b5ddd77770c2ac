"""The scorecard says what the committed tables say, no more, and names commands that exist."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex

import pytest

from rhythmvae.cli.entry import build_parser
from rhythmvae.evaluation import claims as of_claims
from rhythmvae.evaluation import failures
from rhythmvae.evaluation.claim import FAILS, HOLDS, HOLDS_IN_PART, Cell, Claim, Measure, ear
from rhythmvae.model import outline
from rhythmvae.model.card import FIRST_EDITION_DIGEST, SHIPPED
from rhythmvae.resources import FIGURES
from rhythmvae.ui.parts import scorecard

CLAIMS = {claim.key: claim for claim in scorecard.claims()}
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
# Numbers of a sentence that are no figures: tolerances, places of a slider, what a coin gives, names of strokes.
UNITS = ("25 ms", "50 ms", "50 %", "64ths", "50 is guessing", "1 is", "0 is", "of 127", "2023")


def test_every_claim_has_a_figure_and_something_beside_it() -> None:
    for claim in CLAIMS.values():
        assert claim.measures, claim.key
        for measure in claim.measures:
            assert measure.beside or measure.best, (claim.key, measure.name)
            assert isinstance(measure.ours, Cell)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_every_number_on_the_page_stands_in_a_committed_table(claim: Claim) -> None:
    """Read by other means: as numbers anywhere in the files that the claim names, or as shares of them in per cent."""
    names = {cell.figure for measure in claim.measures for cell in _cells(measure)} | {"1-reconstruction"}  # the takes
    tables = [json.loads((FIGURES / f"{name}.json").read_text("utf-8")) for name in names]
    known = {float(n.replace(",", "")) for n in NUMBER.findall(json.dumps(tables, ensure_ascii=False))}
    known |= {float(f"{100 * n:.3g}") for n in known if n <= 1} | {0.0, 1.0, 100.0}
    known |= {scorecard.yardsticks.EAR_MS, float(scorecard.yardsticks.EAR_VELOCITY)}
    texts = [claim.title, claim.words, claim.data, claim.fails, *map(scorecard.measure_words, claim.measures)]
    said = " ".join(texts)
    for unit in UNITS:
        said = said.replace(unit, "")
    found = [n for n in NUMBER.findall(said) if float(n.replace(",", "")) not in known]
    assert found == []


def _cells(measure: Measure) -> list[Cell]:
    beside = [number for _, number in measure.beside if isinstance(number, Cell)]
    best = [measure.best[1]] if measure.best and isinstance(measure.best[1], Cell) else []
    return [measure.ours, *beside, *best]


def test_every_command_exists() -> None:
    commands = {source["command"] for claim in CLAIMS.values() for source in claim.sources} | {failures.COMMAND}
    [known] = [action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)]
    for command in commands:
        program, flag, module, *rest = shlex.split(command)
        assert (program, flag) == ("python", "-m")
        assert importlib.util.find_spec(module) is not None, command
        if module == "rhythmvae":
            assert rest[0] in known.choices
            build_parser().parse_args(rest)  # exits on an option that does not exist


def test_a_figure_is_of_the_shipped_model_or_says_of_which() -> None:
    digest = outline.read(SHIPPED).digest
    for claim in CLAIMS.values():
        for source in claim.sources:
            said = scorecard._source(source)
            if source.get("network") == scorecard.EAR:
                assert f"of {'the shipped' if source['model'] == ear() else 'an earlier'} ear" in said
                continue
            assert source.get("model", "") in ("", digest, FIRST_EDITION_DIGEST), claim.key
            if source.get("model") == FIRST_EDITION_DIGEST:
                assert "first edition" in said


@pytest.mark.parametrize(
    ("ours", "beside", "best", "more", "verdict"),
    [
        ("0.994", 0.9, 1.0, True, HOLDS),
        ("0.994", 0.9, None, True, HOLDS_IN_PART),
        ("0.904", 0.9, 1.0, True, HOLDS_IN_PART),
        ("0.904", 0.904, 1.0, True, FAILS),
        ("3.2", 15.7, 6.0, False, HOLDS),
        ("17.7", 15.7, 6.0, False, FAILS),
    ],
)
def test_a_verdict_is_what_the_numbers_are(
    ours: str, beside: float, best: float | None, more: bool, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cell, "text", ours)
    own = Measure("", Cell("", "", ""), "", (("plain", beside),), None if best is None else ("best", best), 0.01, more)
    assert own.verdict == verdict
    assert Claim("", "", "", (own, own), "", "").verdict == verdict


def test_an_ear_that_was_trained_since_is_not_taken_for_the_one_that_was_measured() -> None:
    [source] = CLAIMS["ear"].sources
    assert re.fullmatch("[0-9a-f]{16}", source["model"])
    assert "of the shipped ear" in scorecard._source({**source, "model": ear()})
    assert "of an earlier ear (`0123`)" in scorecard._source({**source, "model": "0123"})


def test_a_claim_fails_with_one_of_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cell, "text", "0.9")
    better, best, worse = (
        Measure("", Cell("", "", ""), "", (("plain", plain),), ("best", 0.9), 0.01) for plain in (0.7, 0.8, 0.95)
    )
    assert [own.verdict for own in (better, best, worse)] == [HOLDS, HOLDS, FAILS]
    assert Claim("", "", "", (better, best), "", "").verdict == HOLDS
    assert Claim("", "", "", (better, worse, best), "", "").verdict == FAILS


@pytest.mark.parametrize(
    "cell", [Cell("1-reconstruction", "nobody", "F1 50 ms"), Cell("13-taps", "F1 of the drums, all", "x")]
)
def test_a_cell_that_is_not_there(cell: Cell) -> None:
    with pytest.raises(KeyError):
        _ = cell.text
    with pytest.raises(KeyError, match="nothing"):
        _ = Cell("12-completion", "next bar: F1", "beside it", "nothing").text


# -- failures --------------------------------------------------------------------


def test_every_claim_has_a_failure_to_hear_and_it_is_the_shipped_models() -> None:
    found = failures.shipped()
    assert {failure.claim for failure in found.found} == CLAIMS.keys()
    assert found.model == outline.read(SHIPPED).digest
    for failure in found.found:
        heard = [groove for groove in (failure.original, failure.made) if groove is not None]
        assert heard, failure.claim
        assert all(len(groove) > 0 and groove.duration_seconds < 30 for groove in heard)


def test_the_module_of_claims_is_short_of_nothing() -> None:
    assert of_claims.claims(6.0, 5) == tuple(CLAIMS.values())
