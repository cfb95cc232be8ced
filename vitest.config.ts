import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{sdk,adapters,daemon,cli,web,tools}/**/*.test.ts', 'e2e/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'contracts/**'],
    pool: 'threads',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for may take its time where several browsers share a core; by default it would be given one second.
    expect: { poll: { timeout: 60_000 } },
  },
})
