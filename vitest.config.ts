import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The largest files begin first; before them the small one that waits two minutes for blocks, for which all would wait at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = (file: TestSpecification): boolean => file.moduleId.endsWith('/evm/geth.test.ts')
    return (await super.sort(files)).sort((a, b) => Number(waits(b)) - Number(waits(a)))
  }
}

export default defineConfig({
  resolve: { alias: { '#crypto/native/platform': here('sdk/src/crypto/native/seeded-node.kit.ts') } },
  test: {
    include: ['{sdk,adapters,daemon,cli,web,tools}/**/*.test.ts', 'e2e/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'contracts/**'],
    globalSetup: [here('web/test/app-folder.kit.ts')],
    pool: 'threads',
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Programs that tests start find their sources compiled by those before them: half of what a start costs.
    env: { NODE_COMPILE_CACHE: here('node_modules/.cache/compiled') },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What is waited for may take its time where several browsers share a core; by default it would be given one second.
    expect: { poll: { timeout: 240_000 } },
  },
})
