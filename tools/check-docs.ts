import { globSync, readFileSync } from 'node:fs'

/**
 * Pages that say which test shows what: every file they name is there, and what they count is what they list. `S` stands for `sdk/src`,
 * `G` for `daemon/src/gateway`; braces and stars are those of a shell.
 */
const PAGES = ['docs/asvs.md', 'docs/threat-model.md']
const NAMED = /`((?:[SG]|sdk|adapters|daemon|cli|web|e2e|contracts|docs|tools|bench|\.ci)\/[^`\s]+)`/g
const SHORT: Readonly<Record<string, string>> = { S: 'sdk/src', G: 'daemon/src/gateway' }

const whole = (path: string): string => path.replace(/^[SG](?=\/)/, short => SHORT[short]!)
const missing = PAGES.flatMap(page =>
  [...readFileSync(page, 'utf8').matchAll(NAMED)]
    .map(([, path]) => whole(path!))
    .filter(path => globSync(path).length === 0)
    .map(path => `${page} names ${path}, which is not there`),
)

/** Of the threat model: what is marked as kept is shown by a test that bears its number. */
function unnamed(): string[] {
  const rows = [...readFileSync('docs/threat-model.md', 'utf8').matchAll(/^\| (T\d\d) \|.*\*\*kept\*\*.*$/gm)]
  return rows.flatMap(([row, number]) => {
    const files = [...row.matchAll(NAMED)].flatMap(([, path]) => globSync(whole(path!)))
    return files.some(f => /\.(test\.tsx?|t\.sol)$/.test(f) && readFileSync(f, 'utf8').includes(number!))
      ? []
      : [`no test named in row ${number} bears that number`]
  })
}

/** Of `docs/asvs.md`: how many lines are in which state, by level. */
function miscounted(): string[] {
  const page = readFileSync('docs/asvs.md', 'utf8')
  const lines = [...page.matchAll(/^\| \d+\.\d+\.\d+ \| ([12]) \| (yes|part|no|n\/a) \|/gm)]
  return ['1', '2'].flatMap(level => {
    const of = lines.filter(l => l[1] === level)
    const counts = ['yes', 'part', 'no', 'n/a'].map(state => of.filter(l => l[2] === state).length)
    const line = `| ${level} | ${of.length} | ${counts.join(' | ')} |`
    return page.includes(line) ? [] : [`docs/asvs.md should say: ${line}`]
  })
}

const problems = [...new Set(missing), ...miscounted(), ...unnamed()]
for (const line of problems) console.error(line)
console.log(
  problems.length ? `${problems.length} problems in pages of proofs` : 'docs: every file that a proof names is there, and all is counted',
)
process.exitCode = problems.length ? 1 : 0
