"""The deck's modules by themselves, in a browser, against Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from grooves import random_groove
from module_pages import module_page
from playing import RICH, groove, straight
from playwright.sync_api import Browser, Page

from rhythmvae.analysis.swapping import PARTS, swapped
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX, VOICES
from rhythmvae.midi.read import PLAYED_BPM
from rhythmvae.sound import kits, synth

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that has the deck's modules as `time`, `edits` and `swapping`, and a kit to fetch."""
    own = {name: f"deck/{name}.js" for name in ("time", "edits", "swapping")}
    with module_page(browser, own, {"kit.wav": (kits.kit_wav(), kits.KIND)}) as page:
        yield page


def sent(g: Groove) -> dict[str, Any]:
    """A groove as the modules have it."""
    return {
        "n_steps": g.n_steps,
        "tempos": [[t.step, t.bpm] for t in g.tempos],
        "bars": g.bar_lines.tolist(),
        "beats": g.beat_lines.tolist(),
        "hits": [list(h) for h in zip(g.voice.tolist(), g.position.tolist(), g.velocity.tolist(), strict=True)],
    }


@pytest.mark.parametrize(
    "g",
    [
        straight(),
        RICH,
        groove(n_steps=14, meter=(7, 8), tempos=((0.0, 61.5), (3.0, 200.0), (3.5, 90.0), (13.0, 40.0))),
    ],
    ids=["one tempo", "two tempos", "four tempos"],
)
def test_the_clock_is_pythons(modules: Page, g: Groove) -> None:
    steps = np.linspace(-0.5, g.n_steps, 67)
    seconds, back, duration = modules.evaluate(
        """([groove, steps]) => {
          const clock = new time.Clock(groove);
          const seconds = steps.map((s) => clock.secondsAt(s));
          return [seconds, seconds.map((s) => clock.stepAt(s)), clock.duration];
        }""",
        [sent(g), steps.tolist()],
    )
    assert seconds == pytest.approx(g.seconds(steps).tolist(), abs=1e-12)
    assert back == pytest.approx(steps.tolist(), abs=1e-9)
    assert duration == pytest.approx(g.duration_seconds, abs=1e-12)


@pytest.mark.parametrize(
    ("own", "low", "high"), [(100, 20, 500), (300, 20, 500), (15, 15, 500), (1.5, 1.5, 500), (900, 20, 900)]
)
def test_a_groove_is_played_at_its_own_tempo_however_fast_or_slow(
    modules: Page, own: float, low: float, high: float
) -> None:
    typed = [own, low, high, low - 0.5, high + 0.5, 120, 36]
    found = modules.evaluate(
        "([typed, own, played]) => typed.map((bpm) => time.playableBpm(bpm, own, played))", [typed, own, PLAYED_BPM]
    )
    assert found == [own, low, high, low, high, 120, 36]


def test_a_hit_is_alone_a_main_one_a_second_one_or_a_stroke_of_a_roll(modules: Page) -> None:
    rng = np.random.default_rng(0)
    n = 150  # in 8 x 9 cells: two a cell
    g = Groove(rng.uniform(-0.5, 7.99, n), rng.integers(0, N_VOICES, n), rng.integers(60, 127, n), 8)
    roles = modules.evaluate("hits => time.rolesInCells(hits, 8)", sent(g)["hits"])
    step = np.minimum(np.floor(g.position + 0.5), 7)  # what is pushed at the end is of the last cell
    cells = [(step == step[index]) & (g.voice == g.voice[index]) for index in range(n)]
    levels = [sorted(g.velocity[cell], reverse=True) for cell in cells]
    is_roll = np.array([len(own) > 2 or (len(own) == 2 and own[1] >= 0.75 * own[0]) for own in levels])
    for index, found in enumerate(roles):
        is_near = (g.voice == g.voice[index]) & (np.abs(g.position - g.position[index]) <= 0.5)
        is_end = len(levels[index]) == 1 and (is_near & is_roll).any()
        other = "main" if g.velocity[index] == levels[index][0] else "second"
        assert found["role"] == ("stroke" if is_roll[index] or is_end else other)


SEVEN = sent(groove(n_steps=28, meter=(7, 8)))
FLAM = [[1, 4.1, 100], [1, 3.85, 40]]
ROLL = [[1, 3.5, 20], [1, 3.75, 40], [1, 4, 60], [1, 4.25, 80]]
EDITS: dict[str, tuple[str, Any]] = {
    "put": ("put([], 1, 4, 90.4)", [[1, 4, 90]]),
    "put keeps to what MIDI holds": ("[...put([], 1, 4, 300), ...put([], 1, 4, -3)]", [[1, 4, 127], [1, 4, 1]]),
    "clear a cell": ("clearCell([...flam, [0, 4, 80], [1, 4.6, 70]], 1, 4)", [[0, 4, 80], [1, 4.6, 70]]),
    "clear an empty cell": ("[clearCell(flam, 2, 4) === flam]", [True]),
    "the loudest of a cell first": ("inCell([flam[1], flam[0]], 1, 4)", FLAM),
    "velocity takes the second along": ("setVelocity(flam, 1, 4, 50)", [[1, 4.1, 50], [1, 3.85, 20]]),
    "velocity ends at 127": ("setVelocity(flam, 1, 4, 400)", [[1, 4.1, 127], [1, 3.85, 51]]),
    "velocity ends at 1": ("setVelocity(flam, 1, 4, -9)", [[1, 4.1, 1], [1, 3.85, 1]]),
    "velocity of an empty cell": ("setVelocity([], 2, 3, 77)", [[2, 3, 77]]),
    "offset moves both": ("setOffset(flam, 1, 4, 0.2)", [[1, 4.2, 100], [1, 3.95, 40]]),
    "offset stays in the cell": ("setOffset(flam, 1, 4, 3)", [[1, 4.49, 100], [1, 4.24, 40]]),
    "offset stays in the cell ahead": ("setOffset(flam, 1, 4, -3)", [[1, 3.51, 100], [1, 3.51, 40]]),
    "offset of an empty cell": ("setOffset(flam, 2, 4, 0.1)", FLAM),
    "a second hit": ("toggleSecond([[1, 4, 100]], 1, 4, 99)", [[1, 4, 100], [1, 3.75, 45]]),
    "a second hit goes again": ("toggleSecond(flam, 1, 4, 99)", [[1, 4.1, 100]]),
    "a second hit where there is none": ("toggleSecond([], 1, 0, 100)", [[1, 0, 100], [1, -0.25, 45]]),
    "a second hit stays in the cell": ("toggleSecond([[1, 3.6, 100]], 1, 4, 99)", [[1, 3.6, 100], [1, 3.51, 45]]),
    "a second hit behind": ("toggleSecond([[1, 3.51, 100]], 1, 4, 99)", [[1, 3.51, 100], [1, 3.76, 45]]),
    "a second hit is no louder": ("toggleSecond([[1, 4, 1]], 1, 4, 99)", [[1, 4, 1], [1, 3.75, 1]]),
    "clear a roll": ("clearCell([...roll, [2, 4, 80]], 1, 4)", [[2, 4, 80]]),
    "velocity takes a roll along": (
        "setVelocity(roll, 1, 4, 50)",
        [[1, 3.5, 13], [1, 3.75, 25], [1, 4, 38], [1, 4.25, 50]],
    ),
    "a roll stays a roll while it is moved": (
        "setOffset(roll, 1, 4, 0.9)",
        [[1, 3.74, 20], [1, 3.99, 40], [1, 4.24, 60], [1, 4.49, 80]],
    ),
    "a roll that lies as early as it can": ("setOffset(roll, 1, 4, -0.4)", ROLL),
    "a roll becomes one hit": ("toggleSecond(roll, 1, 4, 99)", [[1, 4.25, 80]]),
    "a roll in an empty cell": ("ratchet([], 1, 4, 90)", [[1, 4, 90], [1, 4.5, 90]]),
    "a roll of two": ("ratchet([[1, 3.9, 70], [2, 4, 9]], 1, 4, 90)", [[2, 4, 9], [1, 4, 70], [1, 4.5, 70]]),
    "a roll of three": (
        "ratchet(ratchet([[1, 4, 70], [1, 5, 60]], 1, 4, 90), 1, 4, 90)",
        [[1, 5, 60], [1, 4, 70], [1, 4 + 1 / 3, 70], [1, 4 + 2 / 3, 70]],
    ),
    "a roll ends as one hit": (
        "Array.from({ length: 6 }).reduce((hits) => ratchet(hits, 1, 4, 90), [[1, 4, 70], [1, 5, 60]])",
        [[1, 5, 60], [1, 4, 70]],
    ),
    "a roll leaves the one before it": (
        "ratchet(ratchet(ratchet([[1, 3, 70]], 1, 3, 9), 1, 3, 9), 1, 4, 90)",
        [[1, 3, 70], [1, 3 + 1 / 3, 70], [1, 3 + 2 / 3, 70], [1, 4, 90], [1, 4.5, 90]],
    ),
    "what is pushed at the end is of the last cell": (
        "inCell([[1, 15, 70], [1, 15.75, 60], [1, 14, 50]], 1, 15, 16)",
        [[1, 15, 70], [1, 15.75, 60]],
    ),
    "and goes with it": ("clearCell([[1, 15, 70], [1, 15.75, 60]], 1, 15, 16)", []),
    "and is turned with the bar": ("shiftBar(seven, [[0, 27.75, 90]], 20, -1)", [[0, 26.75, 90]]),
    "clear a voice": ("clearVoice([...flam, [0, 4, 80]], 1)", [[0, 4, 80]]),
    "clear a silent voice": ("[clearVoice(flam, 2) === flam]", [True]),
    # Bars of fourteen steps: hits carry their offsets round the bar line. 13.8 is of step 14 and so of the second.
    "shift on": (
        "shiftBar(seven, [[0, 13.8, 90], [0, 13.4, 91], [0, -0.3, 92], [0, 14.2, 93]], 3, 1)",
        [[0, 13.8, 90], [0, 0.4, 91], [0, 0.7, 92], [0, 14.2, 93]],
    ),
    "shift back": (
        "shiftBar(seven, [[0, 14.2, 90], [0, 13.8, 91], [0, 13.3, 92]], 14, -1)",
        [[0, 27.2, 90], [0, 26.8, 91], [0, 13.3, 92]],
    ),
}


@pytest.mark.parametrize(("code", "expected"), EDITS.values(), ids=EDITS.keys())
def test_an_edit(modules: Page, code: str, expected: Any) -> None:
    found, arguments = modules.evaluate(
        f"""([flam, roll, seven]) => {{
          const {{ put, clearCell, inCell, setVelocity, setOffset }} = edits;
          const {{ toggleSecond, ratchet, clearVoice, shiftBar }} = edits;
          return [{code}, [...flam, ...roll]];
        }}""",
        [FLAM, ROLL, SEVEN],
    )
    assert arguments == [*FLAM, *ROLL], "an edit changed its argument"
    assert len(found) == len(expected)
    for hit, wanted in zip(found, expected, strict=True):
        assert hit == pytest.approx(wanted)


def test_shifting_all_the_way_round_changes_nothing(modules: Page) -> None:
    seven = example("seven")
    hits = modules.evaluate(
        """(groove) => {
          let { hits } = groove;
          for (let i = 0; i < 14; i += 1) hits = edits.shiftBar(groove, hits, 30, 1);
          return hits;
        }""",
        sent(seven),
    )
    assert np.array(hits) == pytest.approx(np.array(sent(seven)["hits"]))


def test_history_goes_back_and_forth_and_forgets_what_was_undone(modules: Page) -> None:
    found = modules.evaluate("""() => {
      const h = new edits.History("a");
      const seen = [h.undo(), h.redo(), h.now];
      h.push("b"); h.push("c");
      seen.push(h.undo(), h.now, h.undo(), h.now, h.undo(), h.now, h.redo(), h.now);
      h.push("d");
      seen.push(h.canRedo, h.redo(), h.now, h.undo(), h.now);
      for (let i = 0; i < 500; i += 1) h.push(i);
      let n = 0;
      while (h.undo()) n += 1;
      return [seen, n, h.now];
    }""")
    seen = [False, False, "a", True, "b", True, "a", False, "a", True, "b", False, False, "d", True, "b"]
    assert found == [seen, 200, 299]


@pytest.mark.parametrize("parts", [["hats"], ["kick", "toms"], ["feel"], ["cymbals", "feel"], [*PARTS]], ids=" ".join)
def test_parts_of_another_groove_are_those_that_python_takes(modules: Page, parts: list[str]) -> None:
    voices = {group: [VOICE_INDEX[voice] for voice in own] for group, own in GROUPS.items()}
    pairs = [
        (example("funk"), example("bossa")),
        (example("waltz"), example("rock")),
        (example("half_time"), example("waltz")),
        *((random_groove(seed, 64), random_groove(seed + 50, 32)) for seed in range(12)),
    ]
    code = "([lane, other, swap]) => swapping.swapped(lane, other, swap)"
    for mine, other in pairs:
        found = modules.evaluate(code, [sent(mine), sent(other), {"parts": parts, "voices": voices}])
        wanted = swapped(mine, other, parts)
        assert [[voice, velocity] for voice, _, velocity in found] == np.stack(
            [wanted.voice, wanted.velocity], axis=1
        ).tolist()
        assert [position for _, position, _ in found] == pytest.approx(wanted.position.tolist(), abs=1e-9)


# Plays a lane on a transport of its own, and notes every sample that begins and that is called off.
PLAY = """async ([mixer, keys, lane]) => {
  const { Transport } = await import("/deck/transport.js");
  const made = (window.made = []);
  const { start, stop } = AudioBufferSourceNode.prototype;
  const { prototype } = AudioBufferSourceNode;
  prototype.start = function (when) {
    made.push({ node: this, when, isOff: false });
    return start.call(this, when);
  };
  prototype.stop = function (...args) {
    const one = made.find(({ node }) => node === this);
    if (one) one.isOff = true;
    return stop.apply(this, args);
  };
  const transport = (window.transport = new Transport());
  await transport.prepare("/kit.wav", mixer, keys);
  await transport.play(lane);
}"""
# What a change makes and calls off of what is planned: `apply` is called once all is planned that is planned ahead.
CHANGED = """async (apply) => {
  const { context } = transport;
  const isAhead = ({ when, isOff }) => !isOff && when > context.currentTime + 0.1;
  const ahead = () => made.filter(isAhead).map(({ when }) => when);
  while (Math.max(...ahead()) < context.currentTime + 3.7) await new Promise((done) => setTimeout(done, 5));
  const before = made.filter(isAhead);
  const reach = Math.max(...before.map(({ when }) => when));
  const [n, now] = [made.length, context.currentTime];
  apply();
  const all = made.slice(n).map(({ when }) => when - now);
  const took = context.currentTime - now;
  return {
    anew: all.filter((when) => when <= reach - now),
    off: before.filter(({ isOff }) => isOff).map(({ when }) => when - now),
    stay: before.filter(({ isOff }) => !isOff).map(({ when }) => when - now).filter((when) => when > took + 0.1),
    took,
  };
}"""
CHANGE = f"([lane, isMoving]) => ({CHANGED})(() => transport.swap(lane, isMoving))"
HATS = [[VOICE_INDEX["closed_hat"], step, 90] for step in range(16)]


def plays(modules: Page, g: Groove, hits: list[Any]) -> dict[str, Any]:
    """What plays now: hits, and none of the clicks, which stay whatever the groove is."""
    lane = sent(g) | {"hits": hits, "beats": []}
    modules.evaluate(PLAY, [synth.parameters(), [voice.key for voice in VOICES], lane])
    return lane


def test_a_change_touches_no_stroke_that_stays(modules: Page) -> None:
    lane = plays(modules, straight(), HATS)
    toms = [[VOICE_INDEX["low_tom"], step + 0.5, 100] for step in range(16)]
    more = modules.evaluate(CHANGE, [lane | {"hits": [*HATS, *toms]}, False])
    assert not more["off"]
    n_planned = int((3.5 - more["took"]) / 0.125)  # a sixteenth is 0.125 s; what is heard meanwhile is planned no more
    assert n_planned <= len(more["stay"]) <= 4 / 0.125
    assert n_planned - 2 <= len(more["anew"]) <= 4 / 0.125 + 1  # the toms
    assert min(more["anew"]) < 0.012 + 0.125 + more["took"] + 0.01  # the next of them
    less = modules.evaluate(CHANGE, [lane, False])
    assert len(less["off"]) >= (3.5 - less["took"]) / 0.125
    assert not less["anew"]
    modules.evaluate("() => transport.stop()")


def test_under_a_hand_that_moves_little_is_made_and_the_rest_of_the_plan_stays(modules: Page) -> None:
    lane = plays(modules, straight(), HATS)
    move = f"([lanes]) => ({CHANGED})(() => {{ for (const lane of lanes) transport.swap(lane, true); }})"
    louder = lane | {"hits": [[voice, step, 120] for voice, step, _ in HATS]}
    first = modules.evaluate(move, [[louder]])  # the first move may be the only one
    assert not first["stay"]
    assert max(first["anew"]) > 3.5
    louder = modules.evaluate(move, [[louder, lane]])
    reach = 0.4 + 9 * louder["took"] + 1e-3  # it grows from the move on
    assert 0.2 < max(louder["anew"]) <= reach
    assert max(louder["off"]) <= reach
    assert min(louder["stay"]) > 0.399
    assert len(louder["stay"]) >= (3.5 - reach) / 0.125
    # The plan gets there, and has each place once.
    planned = """() => made.filter(({ when, isOff }) => !isOff && when > transport.context.currentTime)
      .map(({ node, when }) => [when, node.buffer])"""
    modules.wait_for_function(f"""() => {{
      const all = ({planned})();
      return all.length >= 24 && new Set(all.map(([, buffer]) => buffer)).size === 1;
    }}""")
    times = sorted(modules.evaluate(f"() => ({planned})().map(([when]) => when)"))
    assert np.diff(times) == pytest.approx(np.full(len(times) - 1, 0.125), abs=1e-4)
    # At another tempo nothing of it would be in its place.
    quicker = f"""([lane]) => ({CHANGED})(() => {{
      transport.swap(lane, true);
      transport.swap(lane, true);
      transport.rate = 1.25;
    }})"""
    found = modules.evaluate(quicker, [lane])
    assert not found["stay"]
    assert len(found["off"]) >= (3.5 - found["took"]) / 0.125
    modules.evaluate("() => { transport.stop(); transport.rate = 1; }")


# What is played instead takes half a second to be read. How many of its strokes came too late to be.
LATE = """([lane]) => {
  const { context, stats } = transport;
  const from = context.currentTime;
  const held = { ...lane, get hits() { while (context.currentTime < from + 0.5); return lane.hits; } };
  const { late } = stats;
  transport.swap(held);
  return stats.late - late;
}"""


def test_however_long_a_groove_takes_to_be_read_no_stroke_of_it_is_late(modules: Page) -> None:
    lane = plays(modules, straight(), HATS)
    softer = [[voice, step, 60] for voice, step, _ in HATS]
    assert modules.evaluate(LATE, [lane | {"hits": softer}]) == 0
    modules.evaluate("() => transport.stop()")


# The page is held up for a third of a second as it makes the second stroke. When each is heard, and whether it is the
# kick that the round begins with; how many are late.
HELD_AT_START = """async ([lane]) => {
  transport.stop();
  const { context, stats } = transport;
  const { late, behind } = stats;
  const { start } = AudioBufferSourceNode.prototype;
  let n = 0;
  AudioBufferSourceNode.prototype.start = function (when) {
    const from = context.currentTime;
    n += 1;
    if (n === 2) while (context.currentTime < from + 0.35);
    return start.call(this, when);
  };
  const first = made.length;
  await transport.play(lane);
  AudioBufferSourceNode.prototype.start = start;
  const heard = made.slice(first).filter(({ isOff }) => !isOff);
  const kick = heard[0].node.buffer;
  return [heard.map(({ when, node }) => [when, node.buffer === kick]), stats.late - late, stats.behind - behind];
}"""


def test_no_first_stroke_is_lost_though_the_page_is_held_up_as_it_begins(modules: Page) -> None:
    lane = plays(modules, straight(), [[VOICE_INDEX["kick"], 0, 90], *HATS[1:]])
    heard, late, behind = modules.evaluate(HELD_AT_START, [lane])
    assert (late, behind) == (0, 0)
    # What the first try had begun by then fades, and the second begins at the beginning.
    begins = np.flatnonzero(np.diff([when for when, _ in heard]) > 0.2)[-1] + 1
    when, are_kicks = zip(*heard[begins:], strict=True)
    assert when[0] - heard[0][0] > 0.35
    assert np.diff(when) == pytest.approx(np.full(len(when) - 1, 0.125), abs=1e-4)
    assert are_kicks == tuple(i % 16 == 0 for i in range(len(when)))
    modules.evaluate("() => transport.stop()")


# How far ahead strokes are made when all of them are others: from the moment after that, and from the one before.
REACHED = """([lane]) => {
  const [n, { context }] = [made.length, transport];
  const before = context.currentTime;
  transport.swap(lane);
  const last = Math.max(...made.slice(n).map(({ when }) => when));
  return [last - context.currentTime, last - before];
}"""


def test_of_the_densest_groove_no_more_is_planned_than_the_machine_can_hold(modules: Page) -> None:
    fast = groove(tempos=((0.0, 300.0),))
    rolls = [[voice, step / 4, 90] for step in range(64) for voice in range(N_VOICES)]
    sparse = [[0, step, 90] for step in range(0, 16, 2)]  # ten a second
    for hits, seconds, apart in ((rolls, 1.2, 0.0125), (sparse, 4.0, 0.1)):
        lane = plays(modules, fast, hits)
        louder = [[voice, position, 120] for voice, position, _ in hits]
        after, before = modules.evaluate(REACHED, [lane | {"hits": louder}])
        assert after <= seconds + 1e-3
        assert before >= seconds - apart - 1e-3
        modules.evaluate("() => transport.stop()")


def test_the_overview_of_another_file_begins_at_its_first_bar_while_the_deck_has_the_one_before(
    browser: Browser,
) -> None:
    with module_page(browser, {"overview": "deck/overview.js"}) as page:
        texts = page.evaluate(
            """() => {
              const music = {
                data: { tune: "song", lanes: [{ first_bar: 1, bars: [0, 16, 32, 48, 64] }] },
                role: "original",
                heard: { is_another: false },
                place: 50,
                subscribe: () => () => {},
                onFrame: (call) => ((music.frame = call), () => {}),
              };
              const shown = new overview.Overview(document.body, music);
              const of = (tune, nBars) => ({
                tune, bars: Array.from({ length: nBars + 1 }, (_, i) => i * 16), n_steps: nBars * 16, groups: [],
                lost: [], added: [], moved: [], moved_ms: 6,
              });
              const said = () => shown.picture.getAttribute("aria-valuetext");
              const found = [];
              for (const [tune, nBars] of [["song", 4], ["loop", 1], ["song", 4], ["song", 2]]) {
                shown.update({ data: of(tune, nBars), setTriggerValue: () => {} });
                music.frame();
                found.push(said());
              }
              return found;
            }"""
        )
    assert texts == [
        "Bar 4 of 4: no difference",
        "Bar 1 of 1: no difference",
        "Bar 4 of 4: no difference",
        "Bar 2 of 2: no difference",
    ]


def test_the_next_difference_is_of_a_result_that_is_still_on_its_way(browser: Browser) -> None:
    with module_page(browser, {"overview": "deck/overview.js", "roles": "deck/roles.js"}) as page:
        heard = page.evaluate(
            """() => {
              const own = new roles.Roles();
              const lane = { first_bar: 1, bars: [0, 16, 32] };
              const music = {
                data: { tune: "song", source: "second bars", lanes: [lane] },
                get role() { return own.of(this.data.source); },
                get result() { return own.resultOf(this.data.source); },
                heard: { is_another: false },
                place: 0,
                subscribe: () => () => {},
                onFrame: () => () => {},
                say: () => {},
                choose: (role) => own.choose(role),
                go: () => {},
              };
              own.hand({ source: "first bars", lanes: [lane] }, "page");
              const shown = new overview.Overview(document.body, music);
              const data = {
                tune: "song", bars: [0, 16, 32], n_steps: 32, groups: [],
                lost: [[0, 20]], added: [], moved: [], moved_ms: 6,
              };
              shown.update({ data, setTriggerValue: () => {} });
              const before = music.role;
              shown.next.click();
              const meanwhile = music.role;
              own.hand({ source: "second bars", lanes: [lane] }, "page");
              return [before, meanwhile, music.role];
            }"""
        )
    assert heard == ["original", "original", "result"]
