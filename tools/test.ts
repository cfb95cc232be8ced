import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
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
      // Much of this waits for processes of its own: three go on at once where there are two cores. A journey is its browser's work: two.
      { name: 'node', args: [vitest, 'run', '--exclude', 'web/test/**', '--maxWorkers', '3'] },
      { name: 'journeys', args: [vitest, 'run', 'web/test', '--maxWorkers', '2'] },
      {
        // In Chromium twice: on its own cryptography, and on the fallback, which only browsers ever need.
        name: 'browser',
        args: [vitest, 'run', '--config', 'vitest.browser.config.ts'],
        ...(chromium ? {} : { skip: 'no Chromium here; set CHROME_PATH to run the isomorphic suites in a browser' }),
      },
    ]

const reports = mkdtempSync(join(tmpdir(), 'keepwell-test-'))

type Result = { readonly status: string; readonly fullName: string; readonly failureMessages?: readonly string[] }
type File = {
  readonly name: string
  readonly status: string
  readonly message?: string
  /** Milliseconds. */
  readonly startTime: number
  readonly endTime: number
  readonly assertionResults: readonly Result[]
}
const filesOf = (report: string): readonly File[] =>
  existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as { readonly testResults: readonly File[] }).testResults : []

/** What failed in a suite, a line each: said again at the very end, where a long log is read first. */
const failures = (files: readonly File[]): string[] =>
  files.flatMap(file => {
    const failed = file.assertionResults.filter(t => t.status === 'failed')
    const lines = failed.map(t => `${t.fullName}: ${(t.failureMessages?.[0] ?? '').split('\n', 12).join('\n    ')}`)
    if (!failed.length && file.status === 'failed') lines.push(file.message ?? '')
    return lines.map(line => `  ${relative('.', file.name)} > ${line}`)
  })

/** Where a suite's time went: its longest files, and their part of what all files took one after the other. */
const slowest = (files: readonly File[]): string[] => {
  const taken = files.map(f => ({ name: relative('.', f.name), seconds: (f.endTime - f.startTime) / 1000 }))
  const all = taken.reduce((sum, f) => sum + f.seconds, 0)
  const most = taken.toSorted((a, b) => b.seconds - a.seconds).slice(0, 12)
  return most.map(f => `  ${f.seconds.toFixed(0)} s (${((100 * f.seconds) / all).toFixed(0)} %) ${f.name}`)
}
const failed: string[] = []
const took: string[] = []

const results = steps.map((step, i) => {
  if (step.skip || !existsSync(step.args[0]!)) {
    console.log(`SKIPPED ${step.name}: ${step.skip ?? `${step.args[0]} is missing`}`)
    return 'skipped'
  }
  const report = join(reports, `${i}.json`)
  const reporting = step.args[0] === vitest ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []
  const { status } = spawnSync(process.execPath, [...step.args, ...reporting], { stdio: 'inherit' })
  const files = filesOf(report)
  failed.push(...failures(files))
  if (files.length) took.push(`slowest of ${step.name}:`, ...slowest(files))
  return status === 0 ? 'passed' : 'failed'
})

if (!filter.length) for (const line of took) console.log(line)
const count = (what: string) => results.filter(r => r === what).length
for (const [i, step] of steps.entries()) console.log(`${results[i]} ${step.name}`)
console.log(`suites: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`)
if (failed.length) console.log(`failed:\n${failed.join('\n')}`)
rmSync(reports, { recursive: true, force: true })
process.exitCode = count('failed') ? 1 : 0
