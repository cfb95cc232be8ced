import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Every generator is run with `--check`: it must make, byte for byte, what is committed. */
const GENERATORS = [
  'tools/gen-abi.ts',
  'tools/gen-fhir.ts',
  'tools/gen-profiles.ts',
  'tools/gen-search.ts',
  'tools/gen-dicom.ts',
  'tools/gen-names.ts',
  'tools/gen-cql.ts',
  'tools/gen-docs.ts',
  'cli/src/write-reference.ts',
]

const stale = GENERATORS.filter(g => existsSync(g) && spawnSync(process.execPath, [g, '--check'], { stdio: 'inherit' }).status !== 0)
if (stale.length) console.error(`Stale or broken: ${stale.join(', ')}. Run the generator without --check and commit what it wrote.`)
process.exitCode = stale.length ? 1 : 0
