import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { provideChromium } from './chromium.ts'

/**
 * `npm test`: contracts, then everything in TypeScript under Node, the journeys through the web app, and the isomorphic suites in a real
 * browser. Arguments go to vitest, and then only vitest runs.
 */
type Step = { readonly name: string; readonly args: readonly string[]; readonly skip?: string }

const vitest = 'node_modules/vitest/vitest.mjs'
const filter = process.argv.slice(2)
const chromium = await provideChromium()

const steps: Step[] = filter.length
  ? [{ name: 'vitest', args: [vitest, 'run', ...filter] }]
  : [
      { name: 'contracts', args: ['contracts/run-tests.ts'] },
      // Much of this waits for processes of its own, and a journey waits more than it works: two go on at once.
      { name: 'node', args: [vitest, 'run', '--exclude', 'web/test/**', '--maxWorkers', '2'] },
      { name: 'journeys', args: [vitest, 'run', 'web/test', '--maxWorkers', '2'] },
      { name: 'node, fallback cryptography', args: [vitest, 'run', '--config', 'vitest.noble.config.ts'] },
      {
        name: 'browser',
        args: [vitest, 'run', '--config', 'vitest.browser.config.ts'],
        ...(chromium ? {} : { skip: 'no Chromium here; set CHROME_PATH to run the isomorphic suites in a browser' }),
      },
    ]

const results = steps.map(step => {
  if (step.skip || !existsSync(step.args[0]!)) {
    console.log(`SKIPPED ${step.name}: ${step.skip ?? `${step.args[0]} is missing`}`)
    return 'skipped'
  }
  const { status } = spawnSync(process.execPath, step.args, { stdio: 'inherit' })
  return status === 0 ? 'passed' : 'failed'
})

const count = (what: string) => results.filter(r => r === what).length
for (const [i, step] of steps.entries()) console.log(`${results[i]} ${step.name}`)
console.log(`suites: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
process.exitCode = count('failed') ? 1 : 0
