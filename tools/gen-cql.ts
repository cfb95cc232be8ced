/**
 * The ELM of the rules from their CQL, by the field's reference translator (`info.cqframework` on Maven Central). Needs Java; where the
 * translator was not provided, `--check` says so and passes.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findClasspath, provideClasspath } from './maven.ts'

const RULES = fileURLToPath(new URL('../daemon/src/gateway/cds/rules', import.meta.url))
const TRANSLATE = fileURLToPath(new URL('cql/Translate.java', import.meta.url))

/** As it is committed: without the empty notes that the translator puts on each node. */
const committed = (elm: unknown): string =>
  `${JSON.stringify(elm, (key, value) => (key === 'annotation' && Array.isArray(value) && value.length === 0 ? undefined : value), 1)}\n`

/** Throws when the translator finds fault with a rule. */
function translate(classpath: string): Map<string, string> {
  const out = mkdtempSync(join(tmpdir(), 'keepwell-elm-'))
  try {
    const names = readdirSync(RULES).flatMap(f => (f.endsWith('.cql') ? [f.slice(0, -4)] : []))
    const args = ['-cp', classpath, TRANSLATE, out, ...names.map(n => join(RULES, `${n}.cql`))]
    const { status, stderr } = spawnSync('java', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return new Map(names.map(n => [`${n}.elm.generated.json`, committed(JSON.parse(readFileSync(join(out, `${n}.json`), 'utf8')))]))
  } finally {
    rmSync(out, { recursive: true })
  }
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const classpath = check ? findClasspath('cql') : provideClasspath('cql')
  if (classpath === null) {
    console.log('ELM of the rules not checked: the translator is not here (node tools/gen-cql.ts fetches it).')
    process.exitCode = check ? 0 : 1
  } else
    for (const [name, text] of translate(classpath)) {
      const path = join(RULES, name)
      if (!check) writeFileSync(path, text)
      else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
        console.error(`${name} is not what its CQL says.`)
        process.exitCode = 1
      }
    }
}
