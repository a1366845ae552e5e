// Doing things again and again, but not too often.

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resolves once the page is looked at. */
export function visible() {
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

/**
 * A function that runs `work` soon: never twice at a time, never within `pause` milliseconds of
 * the run before (or five times what that one took), and always once more after the last call.
 */
export function paced(work, pause) {
  let wanted = false;
  let busy = false;
  const run = async () => {
    busy = true;
    try {
      while (wanted) {
        wanted = false;
        await visible();
        const begun = performance.now();
        await work();
        await sleep(Math.max(pause, 5 * (performance.now() - begun)));
      }
    } finally {
      busy = false;
    }
  };
  return () => {
    wanted = true;
    if (!busy) run();
  };
}
