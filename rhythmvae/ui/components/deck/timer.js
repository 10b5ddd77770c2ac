// A timer on a thread of its own: browsers slow down those of a page that is out of sight.

const TICK_MS = 25;

/** `tick` is called every 25 ms, until the `stop` of what comes back. */
export function startTimer(tick) {
  const code = `setInterval(() => postMessage(0), ${TICK_MS})`;
  try {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = tick;
    return {
      stop() {
        worker.terminate();
        URL.revokeObjectURL(address);
      },
    };
  } catch {
    const id = setInterval(tick, TICK_MS);
    return { stop: () => clearInterval(id) };
  }
}
