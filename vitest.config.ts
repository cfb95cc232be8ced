import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{sdk,adapters,daemon,cli,web,tools}/**/*.test.ts', 'e2e/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'contracts/**'],
    pool: 'threads',
    isolate: false,
    // Programs that tests start find their sources compiled by those before them: half of what a start costs.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for may take its time where several browsers share a core; by default it would be given one second.
    expect: { poll: { timeout: 60_000 } },
  },
})
