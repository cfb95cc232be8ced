import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BULK } from './bulk.ts'
import { type Checks, G10 } from './g10.ts'
import { IPS, meetsProfile, readsType } from './ips.ts'
import { SMART } from './smart.ts'
import { profiles, type Requirement, requirements, smartRequirements } from './tables.ts'
import { findsBySearch, known, meetsUsCore, readsBack, withProvenance } from './us-core.ts'
import { type Here, openHere } from './world.ts'

let here: Here
beforeAll(async () => {
  here = await openHere()
})
afterAll(() => here?.close())

const ROOT = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8')

const CHECKS: Checks = { ...BULK, ...IPS, ...G10, ...SMART }
const run = new Map<string, Promise<void>>()
/** Several requirements are shown by one check, which is made once. */
function shown(name: string): Promise<void> {
  const known = run.get(name) ?? CHECKS[name]!(here)
  run.set(name, known)
  return known
}

/** Whether a test of that name is in a file. */
const isThere = (file: string, name: string): void => expect(read(file).includes(`test('${name}'`), `${file}: ${name}`).toBe(true)

/** One test for each requirement: its check runs, the test elsewhere that shows it is there, or why there is none is read out. */
function listed(name: string, rows: readonly Requirement[]): void {
  describe(name, () => {
    for (const { id, state, by, words } of rows)
      if (state === 'not') test.skip(`${id}: ${words}`, () => {})
      else if (state === 'elsewhere') test(`${id}: ${words}`, () => isThere(by, words))
      else
        test(`${id}: ${words}`, async () => {
          await (by === 'reads' ? readsType(here, words) : by === 'meets' ? meetsProfile(here, words) : shown(by))
        })
  })
}

const SMART_ROWS = smartRequirements()
const G10_ROWS = requirements('g10')
const BULK_ROWS = requirements('bulk')
const IPS_ROWS = requirements('ips')
const PROFILES = profiles()

describe('US Core 6.1.0, a server’s CapabilityStatement', () => {
  for (const row of PROFILES) {
    test(`${row.profile}: read`, () => readsBack(here, row))
    for (const names of row.shall) test(`${row.profile}: SHALL search by ${names}`, () => findsBySearch(here, row, names))
    for (const names of row.should)
      if (known(names)) test(`${row.profile}: SHOULD search by ${names}`, () => findsBySearch(here, row, names))
      else test.skip(`${row.profile}: SHOULD search by ${names}: US Core defines it, and R4 does not`, () => {})
    if (row.provenance) test(`${row.profile}: Provenance with it`, () => withProvenance(here, row))
    test(`${row.profile}: what comes meets the profile`, () => meetsUsCore(here, row))
  }
})
describe('SMART App Launch 2.2.0, a server’s requirements', () => {
  for (const { id, level, state, by, test: name, words } of SMART_ROWS)
    if (state === 'not') test.skip(`${id} ${level}: ${words}: ${name}`, () => {})
    else test(`${id} ${level}: ${words}`, () => (state === 'met' ? shown(by) : isThere(by, name)))
})
listed('IPS 1.1.0, as Inferno tests it', IPS_ROWS)
listed('Bulk Data Access 2.0.0, what a server SHALL', BULK_ROWS)
listed('ONC 170.315(g)(10), test procedure', G10_ROWS)

const covered = (rows: readonly Requirement[]): [number, number] => [
  rows.filter(r => r.state === 'met' || r.state === 'elsewhere').length,
  rows.length,
]

function usCore(): [number, number] {
  const each = PROFILES.map(({ shall, should, provenance }) => {
    const asked = 2 + shall.length + should.length + (provenance ? 1 : 0)
    return [asked - should.filter(s => !known(s)).length, asked] as const
  })
  return [each.reduce((n, [met]) => n + met, 0), each.reduce((n, [, all]) => n + all, 0)]
}

test('each requirement is listed once, each check is asked for, and what is published is what is here', () => {
  for (const rows of [G10_ROWS, BULK_ROWS, IPS_ROWS, SMART_ROWS]) expect(new Set(rows.map(r => r.id)).size).toBe(rows.length)
  const asked = new Set([...G10_ROWS, ...BULK_ROWS, ...IPS_ROWS, ...SMART_ROWS].filter(r => r.state === 'met').map(r => r.by))
  const made = new Set([...Object.keys(CHECKS), 'reads', 'meets'])
  expect([...asked].filter(by => !made.has(by))).toEqual([])
  expect([...made].filter(name => !asked.has(name))).toEqual([])
  const figures: Record<string, [number, number]> = {
    'ONC (g)(10)': covered(G10_ROWS),
    'SMART App Launch 2.2.0': covered(SMART_ROWS),
    'Bulk Data 2.0.0': covered(BULK_ROWS),
    'US Core 6.1.0': usCore(),
    'IPS 1.1.0': covered(IPS_ROWS),
  }
  const page = read('docs/requirements.md')
  for (const [name, [met, all]] of Object.entries(figures)) {
    console.log(`${name}: ${met} of ${all} requirements shown by tests`)
    expect(page, name).toContain(`| ${name} | ${met} of ${all} |`)
  }
})
