/** For tests: the environment in which a Node process lives that many seconds later than everybody else. */
export const movedClock = (seconds: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(movedDate(seconds))}`,
})

/** The same for a script in a browser: said before everything else, it moves what `Date.now` says. Said again, the last counts. */
export const movedDate = (seconds: number): string =>
  `globalThis.unmovedNow ??= Date.now; Date.now = () => globalThis.unmovedNow.call(Date) + ${seconds * 1000};`
