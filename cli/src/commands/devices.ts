import type { Ctx } from '@keepwell/sdk/actions/context'
import { admitDevice, readOffer } from '@keepwell/sdk/actions/vault/admit-device'
import { removeDevice, renameDevice } from '@keepwell/sdk/actions/vault/devices'
import { OFFER_PREFIX } from '@keepwell/sdk/actions/vault/offer-device'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args, Command } from '#command'
import { confirmed } from '#confirm'
import { withHome } from '#home'
import type { Io } from '#io'
import { byPrefix } from '#names'
import { day, result, safe, short, table } from '#show'

export const devices: Command = {
  name: 'devices',
  group: 'home',
  summary: 'Show the machines that open your record; let one in, rename or remove one.',
  about:
    'A browser or phone is let in by the link it shows under “I have it on another device”; compare the digits on both screens. A machine with the\n' +
    'command line is added there, with the recovery words: keepwell restore --words. A machine that was stolen has read what it has read.',
  examples: ['keepwell devices --add LINK', 'keepwell devices --add LINK --digits "1234 5678 9012"'],
  options: {
    add: { type: 'string', value: 'LINK', about: 'Let in the new device that shows this link.' },
    digits: {
      type: 'string',
      value: 'DIGITS',
      about: 'With --add: the digits on its screen; where nobody can be asked, they are required.',
    },
    name: { type: 'string', value: 'NAME', about: 'With --add or --rename: what to call it.' },
    rename: { type: 'string', value: 'ID', about: 'Give this machine the name of --name.' },
    remove: { type: 'string', value: 'ID', about: 'Remove this machine; it can open nothing that is written from then on.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx }) => {
      if (args.text('add')) await letIn(io, args, ctx)
      if (args.text('rename')) await rename(args, ctx)
      if (args.text('remove')) await remove(io, args, ctx)
      const { ring } = ctx.session.state
      const here = toHex(ctx.session.device.id)
      const value = { devices: ring.devices.map(({ id, name, addedAt }) => ({ id, name, addedAt, here: toHex(id) === here })) }
      result(io, args, value, () =>
        table(ring.devices.map(d => [short(d.id), safe(d.name), `since ${day(d.addedAt)}`, toHex(d.id) === here ? 'this machine' : ''])),
      )
    }),
}

const bare = (digits: string): string => digits.replace(/\D/g, '')

/** The digits are the only thing that tells this device from somebody else’s, so `--yes` alone does not pass them over. */
async function letIn(io: Io, args: Args, ctx: Ctx): Promise<void> {
  const seen = await readOffer(
    ctx,
    args
      .need('add')
      .trim()
      .replace(/^.*[#/]/s, OFFER_PREFIX),
  )
  const given = args.text('digits')
  if (given) ensure(bare(given) === bare(seen.code), 'UNVERIFIED', 'These are not the digits of that device; it may be somebody else’s.')
  else {
    ensure(io.terminal.ask, 'USAGE', 'Give the digits that the new device shows: --digits "…"')
    const said = await io.ask(`Does the new device show ${seen.code}? [y/N] `)
    ensure(/^(y|yes)$/i.test(said), 'CANCELLED', 'Nothing was added.')
  }
  await admitDevice(ctx, { ...seen, offer: { ...seen.offer, name: args.text('name') ?? seen.offer.name } })
}

async function rename(args: Args, ctx: Ctx): Promise<void> {
  const one = byPrefix(ctx.session.state.ring.devices, d => d.id, args.need('rename'), 'device')
  await renameDevice(ctx, one.id, args.need('name'))
}

async function remove(io: Io, args: Args, ctx: Ctx): Promise<void> {
  const one = byPrefix(ctx.session.state.ring.devices, d => d.id, args.need('remove'), 'device')
  ensure(!equal(one.id, ctx.session.device.id), 'BAD_INPUT', 'This is the machine you are on; remove it from another one.')
  ensure(await confirmed(io, args, `Remove ${safe(one.name)}?`), 'CANCELLED', 'Nothing was removed.')
  await removeDevice(ctx, one.id)
}
