import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Every suite that also runs in browsers, in Node, on the fallback that browsers without the newer algorithms get.
export default defineConfig({
  resolve: { alias: { '#crypto/native/platform': fileURLToPath(new URL('sdk/src/crypto/native/noble.ts', import.meta.url)) } },
  test: {
    name: 'noble',
    include: ['sdk/**/*.iso.test.ts'],
    pool: 'threads',
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
