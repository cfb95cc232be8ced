import { readFileSync } from 'node:fs'

/**
 * `met`: the check named in `by` shows it. `elsewhere`: the test `words` in the file `by` does. `not`: it is not met, or nothing shows it, and why.
 */
export type State = 'met' | 'elsewhere' | 'not'
export type Requirement = { readonly id: string; readonly state: State; readonly by: string; readonly words: string }

const lines = (name: string): string[][] =>
  readFileSync(new URL(`${name}.tsv`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'))

export const requirements = (name: 'g10' | 'bulk' | 'ips'): Requirement[] =>
  lines(name).map(([id, state, by, words]) => ({ id: id!, state: state as State, by: by!, words: words! }))

/** One of SMART App Launch: `by` is the file of the test elsewhere, or the check; `test` is that test's name, or why there is none. */
export type SmartRequirement = Requirement & { readonly level: string; readonly test: string }

export const smartRequirements = (): SmartRequirement[] =>
  lines('smart').map(([id, level, state, by, test, words]) => ({
    id: id!,
    level: level!,
    state: state as State,
    by: by!,
    test: test!,
    words: words!,
  }))

/** What US Core's CapabilityStatement asks of servers for one profile: searches by their parameters, joined by `+`. */
export type ProfileRow = {
  readonly profile: string
  readonly type: string
  readonly shall: readonly string[]
  readonly should: readonly string[]
  /** Whether the Provenance of each is to be found with it. */
  readonly provenance: boolean
}

export const profiles = (): ProfileRow[] =>
  lines('us-core').map(([profile, type, shall, should, provenance]) => ({
    profile: profile!,
    type: type!,
    shall: shall!.split(' ').filter(Boolean),
    should: should!.split(' ').filter(Boolean),
    provenance: provenance === 'yes',
  }))
