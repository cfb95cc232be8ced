import { readFileSync, writeFileSync } from 'node:fs'
import { allCommands } from './commands.ts'
import { reference } from './reference.ts'

/** `node cli/src/write-reference.ts [--check]`: writes cli/README.md, or fails when it is stale. */
const text = reference(await allCommands())
const file = new URL('../README.md', import.meta.url)
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error('cli/README.md is stale; run: node cli/src/write-reference.ts')
  process.exitCode = 1
}
