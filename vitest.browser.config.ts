import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import type { BrowserCommand } from 'vitest/node'
import { findChromium } from '#tools/chromium'
import { corpus } from '#tools/corpora'

// Every suite whose name ends in .iso.test.ts, in Chromium on its own cryptography, where those of the algorithms (crypto/native) try the
// fallback for browsers that lack the newer ones beside it. On the fallback alone, what tells the two apart: whatever is made of these
// algorithms, sealed records under attack, and a whole story.

const executablePath = findChromium() ?? ''
const seeded = (platform: 'web' | 'noble'): string =>
  fileURLToPath(new URL(`sdk/src/crypto/native/seeded-${platform}.kit.ts`, import.meta.url))

/** A file of the external corpora in base64, or null when they are not on this machine. */
const corpusFile: BrowserCommand<[path: string]> = (_context, path) => {
  const file = corpus(path)
  return file === null ? null : readFileSync(file).toString('base64')
}

const ALL = ['{sdk,adapters}/src/**/*.iso.test.ts']
const FALLBACK = ['sdk/src/{crypto,records}/*.iso.test.ts', 'sdk/src/actions/story.iso.test.ts']

const project = (name: string, include: string[], platform: 'web' | 'noble') => ({
  extends: true as const,
  resolve: { alias: { '#crypto/native/platform': seeded(platform) } },
  // Vite remembers what it bundled, not for which tests: a new suite's dependency found half-way would reload the page under the rest.
  optimizeDeps: { force: true },
  test: {
    name,
    include,
    // One page for all: modules are loaded once, and no person's keys are made twice.
    isolate: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: ['--no-sandbox'] } }),
      instances: [{ browser: 'chromium' as const, name }],
      commands: { corpusFile },
    },
  },
})

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [project('chromium', ALL, 'web'), project('chromium-noble', FALLBACK, 'noble')],
  },
})
