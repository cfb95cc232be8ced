import { parseArgs } from 'node:util'
import { withFiles } from '@keepwell/daemon/config/files'
import { trustOnly } from '@keepwell/daemon/http/trust'
import { ERRORS, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { type Args, COMMON, type Command, makeArgs } from './command.ts'
import { allCommands, COMMANDS } from './commands.ts'
import { helpFor, overview } from './help.ts'
import type { Io } from './io.ts'

/** Runs one command line; returns the exit code. Every failure is one sentence on standard error and what to do. */
export async function run(io: Io, argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  try {
    const env = withFiles(io.env)
    if (env.KEEPWELL_CA) trustOnly(env.KEEPWELL_CA)
    return await dispatch({ ...io, env }, argv)
  } catch (e) {
    return tell(io, e, json)
  }
}

async function dispatch(io: Io, argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const about = name === undefined ? undefined : rest.find(r => !r.startsWith('-'))
    for (const line of about ? helpFor(await commandNamed(about)) : overview(await allCommands())) io.print(line)
    return name === undefined ? ERRORS.USAGE.exit : 0
  }
  const command = await commandNamed(name)
  const args = parse(command, rest)
  if (args.flag('help')) {
    for (const line of helpFor(command)) io.print(line)
    return 0
  }
  const code = await command.run(io, args)
  return typeof code === 'number' ? code : 0
}

async function commandNamed(name: string): Promise<Command> {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name]!()
  const near = Object.keys(COMMANDS).filter(c => c.startsWith(name.slice(0, 3)))
  throw new KeepwellError(
    'USAGE',
    `There is no command "${name}"${near.length ? `; did you mean ${near.join(' or ')}?` : '. See: keepwell help'}`,
  )
}

function parse(command: Command, argv: readonly string[]): Args {
  const known = { ...COMMON, ...command.options }
  const options = Object.fromEntries(
    Object.entries(known).map(([name, o]) => [name, { type: o.type, ...(o.multiple ? { multiple: true as const } : {}) }]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
    if (!command.takes && positionals.length) throw new Error(`Unexpected argument '${positionals[0]}'`)
    return makeArgs(command, positionals, values)
  } catch (cause) {
    const said = cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : ''
    throw new KeepwellError('USAGE', `${said}. See: keepwell help ${command.name}`, { cause })
  }
}

function tell(io: Io, e: unknown, json: boolean): number {
  const known = isKeepwellError(e)
    ? e
    : new KeepwellError('DEFECT', 'Something went wrong inside Keepwell; please report it.', { cause: e })
  const { about, exit } = ERRORS[known.code]
  io.progress('')
  if (json) io.note(JSON.stringify({ error: { code: known.code, message: known.message, about } }))
  else io.note(`keepwell: ${known.message}`)
  // The place of a defect, and only of a defect: its stack holds no data.
  if (known.code === 'DEFECT' && e instanceof Error)
    io.note(io.env.KEEPWELL_DEBUG ? (e.stack ?? '') : (e.stack?.split('\n').slice(0, 4).join('\n') ?? ''))
  return exit
}
