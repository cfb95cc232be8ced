import { removeDevice } from '@keepwell/sdk/actions/vault/devices'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Command } from '#command'
import { confirmed } from '#confirm'
import { withHome } from '#home'
import { byPrefix } from '#names'
import { day, result, safe, short, table } from '#show'

export const devices: Command = {
  name: 'devices',
  group: 'home',
  summary: 'Show the machines that open your record, or remove one.',
  about:
    'A further machine is added there, with the recovery words: keepwell restore --words. A machine that was stolen has read what it has read.',
  options: { remove: { type: 'string', value: 'ID', about: 'Remove this machine; it can open nothing that is written from then on.' } },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      const remove = args.text('remove')
      if (remove) {
        const one = byPrefix(ctx.session.state.ring.devices, d => d.id, remove, 'device')
        ensure(!equal(one.id, ctx.session.device.id), 'BAD_INPUT', 'This is the machine you are on; remove it from another one.')
        ensure(await confirmed(io, args, `Remove ${safe(one.name)}?`), 'CANCELLED', 'Nothing was removed.')
        await removeDevice(ctx, one.id)
      }
      const { ring } = ctx.session.state
      const here = toHex(ctx.session.device.id)
      const value = { devices: ring.devices.map(({ id, name, addedAt }) => ({ id, name, addedAt, here: toHex(id) === here })) }
      result(io, args, value, () =>
        table(ring.devices.map(d => [short(d.id), safe(d.name), `since ${day(d.addedAt)}`, toHex(d.id) === here ? 'this machine' : ''])),
      )
    }),
}
