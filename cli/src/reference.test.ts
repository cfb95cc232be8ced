import { readFileSync } from 'node:fs'
import { ERRORS } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import { COMMON } from './command.ts'
import { allCommands, COMMANDS } from './commands.ts'
import { helpFor, overview } from './help.ts'
import { reference } from './reference.ts'

const commands = await allCommands()
const text = reference(commands)

test('the reference is the one that the command table gives', () => {
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toBe(text)
})

test('every command of the plan is there, once, and none hides a common option', () => {
  const names = commands.map(c => c.name)
  expect(names).toEqual(Object.keys(COMMANDS))
  expect(new Set(names).size).toBe(names.length)
  const planned =
    'init invite join import submit sync list timeline show request requests share shares read revoke audit erase mint export verify backup restore relay start doctor demo devices gateway terminology credential migrate link receive connect emergency custodian guardians recover vault rules rights witness policy'
  expect([...names].sort()).toEqual(planned.split(' ').sort())
  for (const c of commands) for (const name of Object.keys(c.options)) expect([c.name, name in COMMON]).toEqual([c.name, false])
})

test('help says all there is to say of a command and of each option', () => {
  const all = overview(commands)
  for (const c of commands) {
    expect(
      all.some(line => line.endsWith(c.summary)),
      c.name,
    ).toBe(true)
    const help = helpFor(c)
    for (const [name, { about }] of Object.entries(c.options))
      expect(
        help.some(line => line.endsWith(about)),
        `${c.name} --${name}`,
      ).toBe(true)
  }
})

test('the exit code of every error is explained', () => {
  for (const [code, { exit }] of Object.entries(ERRORS)) expect(text).toMatch(new RegExp(`^- ${exit}: .*\`${code}\``, 'm'))
})
