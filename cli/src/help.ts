import { COMMON, type Command, type Option } from './command.ts'
import { table } from './show.ts'

const GROUPS: Readonly<Record<Command['group'], string>> = {
  start: 'To begin',
  records: 'Your records',
  sharing: 'Sharing',
  trust: 'Who looked, and is it all true',
  home: 'This machine',
}

/** Nothing of help is cut off: what matters often stands at the end. */
const WHOLE = Number.POSITIVE_INFINITY

export const usageOf = (c: Command): string => `keepwell ${c.name}${c.takes ? ` ${c.takes}` : ''}`

export const optionText = (name: string, o: Option): string =>
  `--${name}${o.type === 'string' ? ` ${o.value ?? 'TEXT'}` : ''}${o.multiple ? ' …' : ''}`

export function overview(commands: readonly Command[]): string[] {
  const out = ['Keepwell keeps your health record: sealed, shared by consent that ends by itself, with a receipt for every reading.', '']
  for (const [group, title] of Object.entries(GROUPS)) {
    out.push(`${title}:`)
    out.push(
      ...table(
        commands.filter(c => c.group === group).map(c => [`  ${c.name}`, c.summary]),
        WHOLE,
      ),
      '',
    )
  }
  return [...out, 'keepwell help COMMAND shows how one is used. Everywhere: --json, --home FOLDER, --relay URL, --yes.']
}

export function helpFor(c: Command): string[] {
  const options = (o: Readonly<Record<string, Option>>) =>
    table(
      Object.entries(o).map(([name, x]) => [`  ${optionText(name, x)}`, x.about]),
      WHOLE,
    )
  return [
    c.summary,
    '',
    `  ${usageOf(c)}`,
    '',
    ...(c.about ? [...c.about.split('\n'), ''] : []),
    ...(Object.keys(c.options).length ? ['Options:', ...options(c.options), ''] : []),
    'Everywhere:',
    ...options(COMMON),
    ...(c.examples ? ['', 'Examples:', ...c.examples.map(e => `  ${e}`)] : []),
  ]
}
