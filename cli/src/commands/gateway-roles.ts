import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { roleFile } from '@keepwell/daemon/bin/gateway-rules'
import { type RoleRules, readRoleRules, writeRoleRules } from '@keepwell/daemon/gateway/core/role-rules'
import { ensure } from '@keepwell/sdk/base/error'
import { isRole, ROLES, roleOf } from '@keepwell/sdk/consent/roles'
import type { Args } from '#command'
import { placeOf } from '#home'
import type { Io } from '#io'
import { result, safe } from '#show'
import { purpose, purposeWord } from '#words'

/** `keepwell gateway roles …`: for which purposes and in which parts of a record each role of the organisation works. Counts while the gateway runs. */
export async function roles(io: Io, args: Args): Promise<void> {
  const [, verb = 'list'] = args.positionals
  ensure(
    ['list', 'set', 'reset'].includes(verb) && args.positionals.length <= 2,
    'USAGE',
    'Say: keepwell gateway roles list, set or reset.',
  )
  const file = roleFile(placeOf(io, args).dir)
  let rules = readRoleRules(await readIfThere(file))
  if (verb !== 'list') {
    rules = verb === 'set' ? { ...rules, [args.need('role')]: ruleIn(args) } : without(rules, args.need('role'))
    await writeDurable(file, writeRoleRules(rules))
  }
  const names = [...new Set([...Object.keys(ROLES), ...Object.keys(rules)])]
  const shown = names.map(name => ({ role: name, ...stands(rules, name) }))
  result(io, args, { roles: shown, rules }, () =>
    shown.flatMap(r => [
      `${safe(r.role)}${Object.hasOwn(rules, r.role) ? '  (as you set it)' : ''}`,
      `  for ${r.purposes.length ? r.purposes.map(purposeWord).join(', ') : 'no purpose'}; ${r.parts === 'all' ? 'every part that was granted' : r.parts.map(safe).join(', ') || 'no part'}`,
    ]),
  )
}

function ruleIn(args: Args): RoleRules[string] {
  const [purposes, parts] = [args.list('for-purpose').map(purpose), args.list('part')]
  ensure(
    purposes.length || parts.length,
    'USAGE',
    'Say for what, --for-purpose treatment, and in which parts, --part general; or one of them.',
  )
  return { purposes: purposes.length ? purposes : null, parts: parts.length ? [...parts] : null }
}

const without = (rules: RoleRules, role: string): RoleRules => Object.fromEntries(Object.entries(rules).filter(([name]) => name !== role))

/** What is left of the table for a role: rules only narrow. */
function stands(rules: RoleRules, name: string) {
  const table = isRole(name) ? roleOf(name) : null
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
  const purposes = rule?.purposes
    ? table
      ? table.purposes.filter(p => rule.purposes!.includes(p))
      : rule.purposes
    : (table?.purposes ?? [])
  const all = table?.compartments ?? 'all'
  const parts = rule?.parts ? (all === 'all' ? rule.parts : all.filter(p => rule.parts!.includes(p))) : all
  return { purposes: [...purposes], parts: parts === 'all' ? ('all' as const) : [...parts] }
}
