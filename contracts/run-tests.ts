// Runs every contract test: Solidity (unit, fuzz, invariant), TypeScript over the in-process chain, gas. `node contracts/run-tests.ts`.
// Ends with "N passed, N failed"; exits 1 on any failure. KEEPWELL_FUZZ=10 runs ten times as many random cases; --write-gas stores the gas
// figures instead of comparing them.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('./', import.meta.url))
const require = createRequire(import.meta.url)
const native = join(root, 'engine', 'node_modules', '@nomicfoundation', 'edr-linux-x64-gnu', 'edr.linux-x64-gnu.node')

type Count = { readonly passed: number; readonly failed: number }

function edrLoads(): boolean {
  const edr = createRequire(require.resolve('hardhat')).resolve('@nomicfoundation/edr')
  return spawnSync(process.execPath, ['-e', `require(${JSON.stringify(edr)})`]).status === 0
}

/**
 * Makes Hardhat's native EVM loadable, or says why not. npm skips it in silence when it runs under Node 20, as an optional dependency that
 * wants Node 22; then it is installed from contracts/engine, by a lockfile of its own.
 */
function provideEngine(): string | null {
  if (edrLoads()) return null
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `Hardhat's EVM (EDR) is not installed for ${process.platform}-${process.arch}`
  if (!existsSync(native)) {
    const { status } = spawnSync('npm', ['ci', '--prefix', join(root, 'engine'), '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: 'inherit',
    })
    if (status !== 0) throw new Error('npm ci --prefix contracts/engine failed: the contract tests need @nomicfoundation/edr-linux-x64-gnu')
  }
  process.env.NAPI_RS_NATIVE_LIBRARY_PATH = native
  if (!edrLoads()) throw new Error(`${native} does not load: remove contracts/engine/node_modules and run this again`)
  return null
}

/** Runs one step, shows what it prints, and reads its own count out of that; a step that fails without a count is one failure. */
async function step(title: string, args: readonly string[], passed: RegExp, failed: RegExp): Promise<Count> {
  console.log(`\n== ${title}`)
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
    process.stdout.write(chunk)
  })
  const code = await new Promise<number>((resolve, reject) => child.on('error', reject).on('close', status => resolve(status ?? 1)))
  const read = (pattern: RegExp) => Number(pattern.exec(printed)?.[1] ?? 0)
  const count = { passed: read(passed), failed: read(failed) }
  if (code !== 0 && count.failed === 0) return { ...count, failed: 1 }
  if (code === 0 && count.passed === 0) throw new Error(`${title}: no test ran`)
  return count
}

async function main(): Promise<void> {
  process.env.HARDHAT_DISABLE_TELEMETRY = 'true'
  const missing = provideEngine()
  if (missing) {
    console.log(`\nSKIPPED: all contract tests. ${missing}.\n0 passed, 0 failed`)
    return
  }
  const hardhat = join(dirname(require.resolve('hardhat/package.json')), 'dist', 'src', 'cli.js')
  const scripts = readdirSync(join(root, 'test'))
    .filter(name => name.endsWith('.test.ts'))
    .map(name => join('test', name))
  const counts = [
    await step('Solidity', [hardhat, 'test', 'solidity'], /(\d+) passing/, /(\d+) failing/),
    await step('TypeScript', ['--test', '--test-reporter=spec', ...scripts], /^ℹ pass (\d+)/m, /^ℹ fail (\d+)/m),
    await step(
      'Gas',
      ['gas.ts', process.argv.includes('--write-gas') ? '--write' : '--check'],
      /(\d+) figures (?:as )?stored/,
      /(\d+) figures differ/,
    ),
  ]
  const sum = counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }))
  console.log(`\n${sum.passed} passed, ${sum.failed} failed`)
  if (sum.failed > 0) process.exitCode = 1
}

await main()
