import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{sdk,adapters,daemon,cli,web,tools}/**/*.test.ts', 'e2e/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'contracts/**'],
    pool: 'threads',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
