import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The same engine without a browser's window, whose own pages run scripts beside each page that a test opens. */
const SHELL = '/usr/bin/chromium-headless-shell'
const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The browser that came with `npm ci`, once unpacked. */
const UNPACKED = fileURLToPath(new URL('../node_modules/.cache/keepwell-chromium', import.meta.url))
const OWN = join(UNPACKED, 'run')

/**
 * A Chromium to test in: `CHROME_PATH`, or where systems put it, or the one that came with `npm ci`; null when there is none. The system's
 * shell comes before its browser, unless it is to be `whole`: the shell shows no notices, wakes no device and keeps less.
 */
export const findChromium = ({ whole = false } = {}): string | null =>
  [process.env.CHROME_PATH, ...(whole ? [] : [SHELL]), ...PLACES, OWN].find(p => p && existsSync(p)) ?? null

/** Finds a Chromium, unpacking the one of `npm ci` when the machine has no other. It is built for Linux on x64 alone. */
export async function provideChromium(): Promise<string | null> {
  const found = findChromium()
  if (found || process.platform !== 'linux' || process.arch !== 'x64') return found
  const making = `${UNPACKED}.${process.pid}`
  mkdirSync(making, { recursive: true })
  const { TMPDIR } = process.env
  // The package unpacks into the folder for temporary files, and shares what it finds there with everyone: ours is kept apart.
  process.env.TMPDIR = making
  try {
    const { default: packed, inflate } = await import('@sparticuz/chromium')
    await packed.executablePath()
    await inflate(join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin/al2023.tar.br'))
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
  writeFileSync(join(making, 'fonts.conf'), FONTS)
  writeFileSync(join(making, 'run'), SCRIPT)
  chmodSync(join(making, 'run'), 0o755)
  rmSync(UNPACKED, { recursive: true, force: true })
  renameSync(making, UNPACKED)
  return OWN
}

/** On a machine without the network security libraries or without fonts, those of the package serve. */
const SCRIPT = `#!/bin/sh
here=$(dirname "$0")
if ldd "$here/chromium" | grep -q 'not found'; then export LD_LIBRARY_PATH="$here/al2023/lib"; fi
if [ ! -e /etc/fonts/fonts.conf ]; then export FONTCONFIG_FILE="$here/fonts.conf"; fi
exec "$here/chromium" "$@"
`

const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${join(UNPACKED, 'fonts')}</dir><cachedir>${join(UNPACKED, 'fonts-cache')}</cachedir></fontconfig>
`
