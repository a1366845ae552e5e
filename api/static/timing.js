// Pauses and repetition.

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resolves once the page is visible. */
export function whenVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
  });
}

const LONGEST = 5000; // milliseconds: slow work makes the page no older than this

/**
 * A function that runs `work` soon: never twice at a time, never within `pause` milliseconds of
 * the run before (or five times what that one took, up to `LONGEST`), and always once more after
 * the last call. Called with `true` it does not wait for the pause to end.
 */
export function throttled(work, pause) {
  let wanted = false;
  let busy = false;
  let urgent = false;
  let wake = () => {};
  const rest = (milliseconds) => new Promise((resolve) => {
    wake = resolve;
    setTimeout(resolve, urgent ? 0 : milliseconds);
  });
  const run = async () => {
    busy = true;
    try {
      while (wanted) {
        wanted = urgent = false;
        await whenVisible();
        const begun = performance.now();
        await work();
        const long = Math.min(5 * (performance.now() - begun), LONGEST);
        await rest(Math.max(pause, long));
      }
    } finally {
      busy = false;
    }
  };
  return (atOnce = false) => {
    wanted = true;
    urgent ||= atOnce;
    if (!busy) run();
    else if (atOnce) wake();
  };
}
