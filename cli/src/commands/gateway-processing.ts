import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { apiKeyFile } from '@keepwell/daemon/bin/gateway-keys'
import { smartFile, smartKey } from '@keepwell/daemon/bin/gateway-smart'
import { TRAIL_YEARS, trailBeside } from '@keepwell/daemon/bin/gateway-trail'
import { readApiKeys } from '@keepwell/daemon/gateway/core/api-keys'
import { processingRegister, processingTemplate, type Register, readProcessing } from '@keepwell/daemon/gateway/duties/processing'
import { registerCsv, registerText } from '@keepwell/daemon/gateway/duties/processing-text'
import { listApps } from '@keepwell/daemon/gateway/smart/apps'
import { listStaff } from '@keepwell/daemon/gateway/smart/staff'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { PURPOSES } from '@keepwell/sdk/consent/terms'
import type { Args } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { readText } from '#keys'
import { result } from '#show'
import { purposeWord, trailYears } from '#words'

export const settingsFile = (dir: string): string => join(dir, 'gateway-processing.json')

/** `keepwell gateway processing …`: the record of processing activities that GDPR 30 asks of an organisation. Also while the gateway runs. */
export async function processing(io: Io, args: Args): Promise<void> {
  const [, verb = 'show', ...more] = args.positionals
  ensure(!more.length && ['show', 'template', 'set'].includes(verb), 'USAGE', 'Say: keepwell gateway processing show, template or set.')
  await withHome(io, args, ({ ctx, dir }) => (verb === 'set' ? set(io, args, dir) : show(io, args, ctx, dir, verb)), { offline: true })
}

async function set(io: Io, args: Args, dir: string): Promise<void> {
  const settings = readProcessing(utf8(await readText(args.need('file'), '--file')))
  await writeDurable(settingsFile(dir), utf8(JSON.stringify(settings, null, 2)))
  result(io, args, settings, () => ['What you said is in the register: keepwell gateway processing'])
}

async function show(io: Io, args: Args, ctx: Ctx, dir: string, verb: string): Promise<void> {
  const years = args.text('trail-years')
  const register = await registerOf(ctx, dir, years === undefined ? TRAIL_YEARS : trailYears(years))
  if (verb === 'template') {
    const { activities } = register
    const template = processingTemplate(activities.length ? activities.map(a => a.purpose) : [...PURPOSES])
    return io.print(JSON.stringify(template, null, 2))
  }
  const as = args.text('as') ?? 'text'
  ensure(as === 'text' || as === 'csv', 'USAGE', '--as is text or csv; --json gives it for machines.')
  if (as === 'csv' && !args.json) return io.print(registerCsv(register, purposeWord).trimEnd())
  result(io, args, register, () => registerText(register, purposeWord))
}

async function registerOf(ctx: Ctx, dir: string, trailYears: number): Promise<Register> {
  const kept = await readIfThere(settingsFile(dir))
  const trail = await trailBeside(ctx, dir)
  const tokens = openTokens({ file: smartFile(dir), key: smartKey(ctx), random: ctx.random, clock: ctx.clock })
  try {
    return await processingRegister({
      now: ctx.clock(),
      settings: kept && readProcessing(kept),
      grants: receivedGrants(ctx),
      trail: trail.all(),
      apps: new Map((await listApps({ tokens })).map(a => [a.client_id, a.client_name ?? a.client_id])),
      systems: readApiKeys(await readIfThere(apiKeyFile(dir))),
      staff: (await listStaff({ tokens })).length,
      requests: ctx.session.state.ring.rights?.asked.length ?? 0,
      trailYears,
    })
  } finally {
    await tokens.close()
    await trail.close()
  }
}
