import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { type Duties, dutiesAt, keeperAt } from '@keepwell/daemon/bin/gateway-duties'
import { smartFile, smartKey } from '@keepwell/daemon/bin/gateway-smart'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { withHome } from '#home'
import type { Io } from '#io'
import { readText } from '#keys'
import { safe } from '#show'

export type KeeperDesk = { readonly io: Io; readonly args: Args; readonly ctx: Ctx; readonly dir: string; readonly duties: Duties }

/** Runs one verb of the organisation's registers for the person who says that they keep them. Also while the gateway runs. */
export const asKeeper = (
  io: Io,
  args: Args,
  verb: (desk: KeeperDesk) => Promise<void>,
  options: { readonly offline: boolean },
): Promise<void> =>
  withHome(
    io,
    args,
    async ({ ctx, dir }) => {
      const duties = await dutiesAt(ctx, dir, await keeper(io, args, ctx, dir))
      try {
        await verb({ io, args, ctx, dir, duties })
      } finally {
        await duties.close()
      }
    },
    options,
  )

/** The person that `--by` names, by passphrase and code. Throws USAGE, DENIED. */
export async function keeper(io: Io, args: Args, ctx: Ctx, dir: string) {
  const tokens = openTokens({ file: smartFile(dir), key: smartKey(ctx), random: ctx.random, clock: ctx.clock })
  const login = args.need('by')
  const asked = async (what: string): Promise<string> => {
    ensure(io.terminal.ask, 'USAGE', 'Nobody can be asked here: give --staff-file, a file with passphrase and code.')
    return io.askSecret(`${what}: `)
  }
  const file = args.text('staff-file')
  const secrets = async () => {
    const [passphrase, code] = file ? (await readText(file, '--staff-file')).split(/\r?\n/) : []
    return { passphrase: passphrase ?? (await asked('Passphrase')), code: code ?? (await asked('Code of the authenticator app')) }
  }
  try {
    return await keeperAt({ tokens, random: ctx.random, clock: ctx.clock }, { login, secrets })
  } finally {
    await tokens.close()
  }
}

/** A moment that has passed: a date (its beginning) or an instant. Throws USAGE. */
export function moment(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN
  ensure(!Number.isNaN(at), 'USAGE', `"${safe(text).slice(0, 40)}" is no moment; write 2027-12-31 or 2027-12-31T12:00:00Z.`)
  return Math.floor(at / 1000)
}
