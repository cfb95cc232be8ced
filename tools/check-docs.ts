import { globSync, readFileSync } from 'node:fs'

/**
 * Pages that say which test shows what: every file they name is there, and what they count is what they list. `S` stands for `sdk/src`,
 * `G` for `daemon/src/gateway`; braces and stars are those of a shell.
 */
const PAGES = ['docs/asvs.md', 'docs/compliance.md', 'docs/dpia.md', 'docs/threat-model.md']
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

/** Of `docs/compliance.md`: every row has a known state and says something; what is built, wholly or in part, is shown by a test; numbers are not used twice. */
function unshown(): string[] {
  const rows = [...readFileSync('docs/compliance.md', 'utf8').matchAll(/^\| ([A-Z]\d+) \|.*$/gm)].map(([row]) =>
    row.split(' | ').map(c => c.trim()),
  )
  const numbers = rows.map(([number]) => number!.replace('| ', ''))
  return rows.flatMap(([, , state, answer, , shown], i) => {
    if (!/^(yes|part|operator|later|n\/a)$/.test(state!) || !answer)
      return [`row ${numbers[i]} of docs/compliance.md has no known state, or says nothing`]
    if (numbers.indexOf(numbers[i]!) !== i) return [`docs/compliance.md has two rows ${numbers[i]}`]
    const tests = [...shown!.matchAll(NAMED)].some(([, path]) => /\.(test\.tsx?|t\.sol)$/.test(path!))
    return tests || (state !== 'yes' && state !== 'part')
      ? []
      : [`row ${numbers[i]} of docs/compliance.md is marked ${state} and names no test`]
  })
}

const problems = [...new Set(missing), ...miscounted(), ...unnamed(), ...unshown()]
for (const line of problems) console.error(line)
console.log(
  problems.length ? `${problems.length} problems in pages of proofs` : 'docs: every file that a proof names is there, and all is counted',
)
process.exitCode = problems.length ? 1 : 0
