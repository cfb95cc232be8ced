import { ERRORS } from '@keepwell/sdk/base/error'
import { COMMON, type Command, type Option } from './command.ts'
import { optionText, usageOf } from './help.ts'

const INTRODUCTION = `# keepwell, the command

The one executable of Keepwell: a person's record, an organisation's side of it, and the servers. In a clone: \`npx keepwell …\`.

Results go to standard output, notes and progress to standard error; \`--json\` turns results into one JSON document, or one per line
where there are many (\`import\`, \`submit\`; the last line is the summary). Ids may be shortened to their first digits, contacts named by the
beginning of their name. Everything works with and without \`keepwell start\` running: without it, the command opens the home's relay itself.

A home is one folder: \`device.cbor\` (the key of this machine, sealed by the passphrase), \`keyring.cbor\` (all other keys, sealed to the machines),
\`catalog.sqlite\` (what lists need, sealed row by row), \`relay/\` (the home's own relay and ledger). \`init --no-passphrase\` leaves the machine's key to
the protection of file permissions: for servers and tests.`

const EXITS: readonly (readonly [number, string])[] = [
  [0, 'done'],
  [2, 'the command is used wrongly, or there is no home (or one already)'],
  [3, 'input was refused, or something in an import could not be kept'],
  [4, 'not allowed: wrong passphrase, no consent, not verified'],
  [5, 'a check failed: a signature, a proof, a list that is not whole'],
  [6, 'not available now: the relay, the clock, another process'],
  [7, 'storage is full or failing'],
  [70, 'a defect of Keepwell'],
  [130, 'stopped from outside'],
]

const options = (o: Readonly<Record<string, Option>>): string[] =>
  Object.entries(o).length ? ['', ...Object.entries(o).map(([n, x]) => `- \`${optionText(n, x)}\`: ${x.about}`)] : []

const section = (c: Command): string[] => [
  '',
  `### ${c.name}`,
  '',
  `\`${usageOf(c)}\` — ${c.summary}`,
  ...(c.about ? ['', c.about] : []),
  ...options(c.options),
  ...(c.examples ? ['', '```sh', ...c.examples, '```'] : []),
]

/** The text of `cli/README.md`, made from the command table. */
export function reference(commands: readonly Command[]): string {
  const codes = (exit: number): string =>
    Object.entries(ERRORS)
      .filter(([, e]) => e.exit === exit)
      .map(([code]) => `\`${code}\``)
      .join(', ')
  return `${[
    '<!-- Generated from the command table by `node cli/src/write-reference.ts`; do not edit. -->',
    INTRODUCTION,
    '',
    '## Everywhere',
    ...options(COMMON),
    '',
    '## Commands',
    ...commands.flatMap(section),
    '',
    '## Exit codes',
    '',
    ...EXITS.map(([code, meaning]) => `- ${code}: ${meaning}${codes(code) ? ` (${codes(code)})` : ''}`),
  ].join('\n')}\n`
}
