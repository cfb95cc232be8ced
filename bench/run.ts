import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** `npm run bench [-- NAME…] [--json]`: runs the figures named, or all, one process each, one after the other. */
const json = process.argv.includes('--json')
const wanted = process.argv.slice(2).filter(a => !a.startsWith('--'))
const available = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter(f => f.isFile() && f.name.endsWith('.ts') && f.name !== 'run.ts' && !f.name.endsWith('.test.ts') && !f.name.endsWith('.kit.ts'))
  .map(f => f.name.slice(0, -3))
const unknown = wanted.find(w => !available.includes(w))

if (unknown) {
  console.error(`There is no figure "${unknown}"; there are ${available.join(', ')}.`)
  process.exitCode = 2
} else {
  if (!json) console.log(`${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`)
  for (const name of wanted.length ? wanted : available) {
    if (!json) console.log(`\n== ${name}`)
    const { status } = spawnSync(process.execPath, [`${import.meta.dirname}/${name}.ts`, ...(json ? ['--json'] : [])], { stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  }
}
