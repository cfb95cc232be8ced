import type { Ctx, Progress } from '#actions/context'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { readShLink } from '#wire/shlink'
import { openNote, sealNote } from './link-note.ts'
import { type LinkContent, sealedFiles } from './share-link.ts'

type Owning = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/** A link that this vault gave; `link` is null when its note does not open (keys were renewed since). */
export type OwnLink = {
  readonly id: Uint8Array
  readonly link: string | null
  readonly label: string
  readonly created: number
  readonly expiry: number
  readonly passcode: boolean
  readonly lasting: boolean
  /** Wrong passcodes left; at 0 it has ended. */
  readonly attempts: number
  readonly opened: number
  /** Unix seconds; null: never. */
  readonly lastOpened: number | null
  readonly ended: boolean
}

/** The links at the home relay, newest first; those that ended are told for a month. */
export async function ownLinks(ctx: Owning): Promise<OwnLink[]> {
  const { links } = await callRelay(ctx, await homeRelay(ctx), 'links', {})
  const now = ctx.clock()
  const all = await Promise.all(
    links.map(async ({ note, ended, lastOpened, direct: _, ...l }): Promise<OwnLink> => {
      const told = await openNote(ctx, l.id, note)
      return {
        ...l,
        link: told?.link ?? null,
        label: told?.label ?? '',
        lastOpened: lastOpened || null,
        ended: ended > 0 || l.expiry <= now,
      }
    }),
  )
  return all.sort((a, b) => b.created - a.created)
}

/** Ends a link now. What was read stays read. Throws NOT_FOUND for one that is not this vault's. */
export async function endLink(ctx: Owning, id: Uint8Array): Promise<void> {
  await callRelay(ctx, await homeRelay(ctx), 'end-link', { id })
}

/** Puts newer content behind a link that lasts; who has it need not be told. Throws NOT_FOUND, BAD_INPUT for a link that does not last. */
export async function renewLink(ctx: Owning, id: Uint8Array, content: LinkContent, progress?: Progress): Promise<void> {
  const relay = await homeRelay(ctx)
  const { links } = await callRelay(ctx, relay, 'links', {})
  const found = links.find(l => equal(l.id, id))
  const told = found && (await openNote(ctx, id, found.note))
  ensure(found && told && !found.ended, 'NOT_FOUND', 'You have no link of that name that still lives.')
  ensure(found.lasting, 'BAD_INPUT', 'Only a link that lasts can be renewed; make a new one.')
  const { key } = readShLink(told.link)
  const files = await sealedFiles(ctx, content, key, progress)
  const { direct, lasting, expiry } = found
  const rules = { direct, lasting, expiry, attempts: Math.max(1, found.attempts), verifier: null }
  await callRelay(ctx, relay, 'put-link', { id, files, ...rules, note: await sealNote(ctx, id, told) })
}
