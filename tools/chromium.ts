import { existsSync } from 'node:fs'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** A Chromium to test in: `CHROME_PATH`, or where systems put it; null when there is none. */
export const findChromium = (): string | null => [process.env.CHROME_PATH, ...PLACES].find(p => p && existsSync(p)) ?? null
