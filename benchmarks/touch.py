"""What a hand at the player waits for, and whether the sound waits too: python -m benchmarks.touch

Starts the app, opens it in a browser, and prints how long the drum sounds take to load;
over 15 clicks on cells the median time to the stroke that answers and to Python's new
figures on the page; and from a minute of sound, recorded in the browser while edits make
the page run again and again, the largest error of an onset and of the loop's seam, and the
hits that came late. Needs what `make test` installs, and Debian's chromium.
"""

import statistics

import numpy as np
from playwright.sync_api import Locator, Page, ViewportSize

from benchmarks.served import served
from rhythmvae import share
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS
from rhythmvae.sound import synth
from tests.e2e.listening import HATS, listen_while, onset_errors, seam_error
from tests.e2e.visiting import Lane, expect_n_hits, open_groove, settle

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
N_LOADS = 5
N_EDITS = 15
LISTEN_SECONDS = 60.0

# A transport of its own, and no file kept from before.
LOAD = """
async (root, [mixer, keys]) => {
  const url = performance.getEntriesByType("resource").find((entry) => entry.name.endsWith(".wav")).name;
  await caches.delete("rhythmvae");
  const transport = new root.transport.constructor();
  const began = performance.now();
  await transport.prepare(url, mixer, keys);
  const took = performance.now() - began;
  await transport.context.close();
  return took;
}
"""
# From a pointer that goes down to the sample that is struck, and to the caption that counts the hits.
WATCH = """
(root) => {
  const watch = (window.watch = { down: 0, strike: null, figures: null });
  root.addEventListener("pointerdown", (event) => (watch.down = event.timeStamp), true);
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    watch.strike ??= performance.now() - watch.down + (when - this.context.currentTime) * 1000;
    return start.call(this, when);
  };
  const counted = () => document.body.innerText.match(/of [0-9]+ hits? came back/)?.[0];
  let before = counted();
  new MutationObserver(() => {
    const now = counted();
    if (!now || now === before) return;
    before = now;
    watch.figures = performance.now() - watch.down;
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""


def load_ms(player: Locator) -> list[float]:
    asked = [synth.parameters(), list(VOICE_KEYS)]
    return [float(player.evaluate(LOAD, asked)) for _ in range(N_LOADS)]


def edits_ms(page: Page, lane: Lane) -> tuple[list[float], list[float]]:
    """Milliseconds to the strike and to the figures, of each edit."""
    lane.deck.evaluate(WATCH)
    strikes, figures = [], []
    for step in range(N_EDITS):
        page.evaluate("() => { watch.strike = watch.figures = null; }")
        lane.click("kick", step)
        page.wait_for_function("() => watch.figures !== null")
        found = page.evaluate("() => watch")
        strikes.append(found["strike"])
        figures.append(found["figures"])
        settle(page)
    return strikes, figures


def timing(page: Page, lane: Lane) -> str:
    groove = share.from_text(share.to_text(HATS)).groove
    hat = VOICE_INDEX["closed_hat"]
    lane.deck.get_by_role("button", name="Mute crash").click()
    settle(page)
    struck = {5}

    def disturb(n: int) -> None:
        step = n % 5
        lane.click("crash", step)  # muted, so the rest must sound as if nothing happened
        struck.symmetric_difference_update({step})
        expect_n_hits(page, len(groove) - 1 + len(struck))

    heard = listen_while(lane.deck, groove, LISTEN_SECONDS, disturb)
    errors = np.abs(onset_errors(heard.capture, groove, hat, heard.began)) * 1000
    seam = seam_error(heard.capture, groove, hat, heard.began) * 1000
    late, scheduled = heard.stats["late"], heard.stats["scheduled"]
    return (
        f"{LISTEN_SECONDS:.0f} s with {heard.n_disturbed} edits: onsets off by {errors.max():.2f} ms at most "
        f"(median {np.median(errors):.2f}), the seam by {seam:.2f} ms; {late} of {scheduled:,} hits late"
    )


def main() -> None:
    with served() as app:
        page = app.browser.new_context(viewport=VIEWPORT).new_page()
        player = open_groove(page, app.address, HATS)
        loads = load_ms(player)
        print(f"drum sounds ready: median {statistics.median(loads):.0f} ms, at most {max(loads):.0f} ms")
        strikes, figures = edits_ms(page, Lane(player))
        print(f"click to the stroke: median {statistics.median(strikes):.0f} ms, at most {max(strikes):.0f} ms")
        print(f"click to new figures: median {statistics.median(figures):.0f} ms, at most {max(figures):.0f} ms")
        page.close()
        page = app.browser.new_context(viewport=VIEWPORT).new_page()
        print(timing(page, Lane(open_groove(page, app.address, HATS))))


if __name__ == "__main__":
    main()
