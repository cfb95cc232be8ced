import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Io } from './io.ts'

export type Option = {
  readonly type: 'boolean' | 'string'
  readonly multiple?: true
  /** What the value is, for the help: `FILE`. */
  readonly value?: string
  readonly about: string
}

/** A command described by data; help, parsing and the reference in README.md are made from it. */
export type Command = {
  readonly name: string
  readonly group: 'start' | 'records' | 'sharing' | 'trust' | 'home'
  readonly summary: string
  /** Behind the name: `PATH…`. */
  readonly takes?: string
  readonly about?: string
  readonly examples?: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  /** A number is the exit code; anything else means 0. */
  run(io: Io, args: Args): Promise<unknown>
}

export const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', about: 'Print results as JSON.' },
  home: { type: 'string', value: 'FOLDER', about: 'The home to use; else KEEPWELL_HOME, else ~/.keepwell.' },
  relay: { type: 'string', value: 'URL', about: 'Reach the relay at this address; default: the one this home was made with.' },
  yes: { type: 'boolean', about: 'Do it without asking.' },
  'passphrase-file': { type: 'string', value: 'FILE', about: 'Read the passphrase from this file; else KEEPWELL_PASSPHRASE, else ask.' },
  help: { type: 'boolean', about: 'Show how the command is used.' },
}

type Value = string | boolean | (string | boolean)[] | undefined

/** What was given on the command line, read by name. */
export type Args = {
  readonly positionals: readonly string[]
  readonly json: boolean
  flag(name: string): boolean
  text(name: string): string | undefined
  /** Throws USAGE when it is missing. */
  need(name: string): string
  list(name: string): readonly string[]
  /** The only positional, or USAGE saying what belongs there. */
  one(what: string): string
}

export function makeArgs(command: Pick<Command, 'name'>, positionals: readonly string[], values: Readonly<Record<string, Value>>): Args {
  const usage = (message: string) => new KeepwellError('USAGE', `${message} See: keepwell help ${command.name}`)
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    positionals,
    json: values.json === true,
    flag: name => values[name] === true,
    text,
    need(name) {
      const value = text(name)
      if (value === undefined || value === '') throw usage(`--${name} is missing.`)
      return value
    },
    list: name => (Array.isArray(values[name]) ? values[name].filter(v => typeof v === 'string') : []),
    one(what) {
      ensure(positionals.length < 2, 'USAGE', `Only one ${what} can be given.`)
      const [value] = positionals
      if (!value) throw usage(`The ${what} is missing.`)
      return value
    },
  }
}
