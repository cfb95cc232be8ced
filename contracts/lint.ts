// Static analysis of contracts/src: Slither when it is installed (`pip install slither-analyzer`), solhint otherwise; `--require-slither`
// fails instead of falling back. Anything above informational, and any warning of solhint, is an error.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFiles } from '#test/compile'

const root = fileURLToPath(new URL('./', import.meta.url))
const solhint = fileURLToPath(import.meta.resolve('solhint/solhint.js'))
const packages = dirname(dirname(solhint))

function runSlither(project: string): number {
  const own = process.argv.slice(2).filter(arg => arg !== '--require-slither')
  const options = ['--compile-force-framework', 'hardhat', '--ignore-compile', '--config-file', join(root, 'slither.config.json'), ...own]
  const { status, stdout, stderr } = spawnSync('slither', [project, ...options], { encoding: 'utf8' })
  const analysed = Number(/analyzed \((\d+) contracts/.exec(stderr)?.[1] ?? 0)
  // Before the first finding it tells how it failed to find Hardhat's own command, which it does not need here.
  const findings = stderr.search(/^(INFO|WARNING|ERROR):/m)
  process.stdout.write(findings < 0 ? stdout + stderr : stderr.slice(findings))
  if (analysed >= 18) return status ?? 1 // nine contracts and their interfaces
  console.error(`slither saw ${analysed} contracts only`)
  return 1
}

/**
 * Slither wants a solc binary, and npm has none. It also reads Hardhat 2 build-info, so it gets one, made with npm's compiler, in a
 * temporary project.
 */
function slither(): number {
  const project = mkdtempSync(join(tmpdir(), 'keepwell-slither-'))
  try {
    const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.sol'))
    const outputSelection = { '*': { '': ['ast'], '*': ['abi', 'evm.bytecode', 'evm.deployedBytecode', 'userdoc', 'devdoc'] } }
    const { input, output } = compileFiles(names.map(name => join(root, 'src', name)).sort(), outputSelection)
    mkdirSync(join(project, 'artifacts', 'build-info'), { recursive: true })
    writeFileSync(join(project, 'artifacts', 'build-info', 'all.json'), JSON.stringify({ solcVersion: '0.8.35', input, output }))
    symlinkSync(packages, join(project, 'node_modules'))
    writeFileSync(join(project, 'hardhat.config.js'), '') // what Slither knows a project by
    return runSlither(project)
  } finally {
    rmSync(project, { recursive: true })
  }
}

function hint(): number {
  const options = ['--config', '.solhint.json', '--max-warnings', '0', '--disc', 'src/**/*.sol']
  const { status, stdout, stderr } = spawnSync(process.execPath, [solhint, ...options], { cwd: root, encoding: 'utf8' })
  const advertising = /^[┌│└].*\n/gm
  process.stdout.write(`${stdout.replaceAll(advertising, '').trim()}\n${stderr}`)
  if (status === 0) console.log('solhint: nothing found')
  return status ?? 1
}

const installed = spawnSync('slither', ['--version'], { encoding: 'utf8' })
if (installed.status === 0) {
  console.log(`slither ${installed.stdout.trim()}`)
  process.exitCode = slither()
} else if (process.argv.includes('--require-slither')) {
  console.error('slither is not installed: pip install slither-analyzer')
  process.exitCode = 1
} else {
  console.log('slither is not installed; solhint only (shallower)')
  process.exitCode = hint()
}
