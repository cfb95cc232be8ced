#!/usr/bin/env -S node --max-semi-space-size=16
// The one executable. Plain JavaScript, so that an old Node can read it: the sources need the pinned Node, which is installed with them.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
/** Young objects in 16 MB instead of 32: a long import peaks 100 MB lower and takes as long. */
const FLAGS = ['--max-semi-space-size=16']

/** The pinned Node of this installation, looked for upwards; null when it is not installed. */
function pinned() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    for (const at of [
      join(folder, 'node_modules', `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`, 'bin', name),
    ])
      if (existsSync(at)) return at
    if (folder === dirname(folder)) return null
  }
}

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  // Compiled sources are kept, so that a command starts in half the time: beside the sources, since who may write one writes the other.
  const { directory } = module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url)))
  if (directory) process.env.NODE_COMPILE_CACHE = directory
  await import('../src/main.ts')
} else {
  const node = pinned()
  if (node === null || process.env.KEEPWELL_REEXEC) {
    process.stderr.write(
      `keepwell: Node ${NEEDED} is needed, this is ${process.versions.node}. Run npm ci, which brings it, or install Node ${NEEDED}.\n`,
    )
    process.exit(6)
  }
  const child = spawn(node, [...FLAGS, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, KEEPWELL_REEXEC: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
}
