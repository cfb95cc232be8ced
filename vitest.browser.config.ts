import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import type { BrowserCommand } from 'vitest/node'
import { findChromium } from '#tools/chromium'
import { corpus } from '#tools/corpora'

// Every suite whose name ends in .iso.test.ts, in Chromium on its own cryptography; and on the fallback for browsers that lack the newer
// algorithms, what tells the two apart: the algorithms themselves, sealed records under attack, and a whole story.

const executablePath = findChromium() ?? ''
const noble = fileURLToPath(new URL('sdk/src/crypto/native/noble.ts', import.meta.url))

/** A file of the external corpora in base64, or null when they are not on this machine. */
const corpusFile: BrowserCommand<[path: string]> = (_context, path) => {
  const file = corpus(path)
  return file === null ? null : readFileSync(file).toString('base64')
}

const ALL = ['{sdk,adapters}/src/**/*.iso.test.ts']
const FALLBACK = ['sdk/src/{crypto,records}/**/*.iso.test.ts', 'sdk/src/actions/*.iso.test.ts']

const project = (name: string, include: string[], alias: Record<string, string>) => ({
  extends: true as const,
  resolve: { alias },
  // Vite remembers what it bundled, not for which tests: a new suite's dependency found half-way would reload the page under the rest.
  optimizeDeps: { force: true },
  test: {
    name,
    include,
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
    projects: [project('chromium', ALL, {}), project('chromium-noble', FALLBACK, { '#crypto/native/platform': noble })],
  },
})
