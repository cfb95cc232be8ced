import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import { sha256Stream } from '@keepwell/sdk/crypto/hash'
import { titleFromName } from '@keepwell/sdk/health/document'
import { type Attached, attachedTo } from '@keepwell/sdk/health/fhir/build'
import type { NewFile, TypedBefore, TypedIn, TypeIn } from '#rpc/entry.ts'
import { ATTACHED_TO, linksOf } from './extras.ts'
import { chunksOf, takeIn } from './intake.ts'
import { clock, random } from './platform.ts'
import { itemOf } from './record.ts'
import { build, byPatient, resourceFile, unbuild } from './typed.ts'
import type { OpenVault } from './vault.ts'

/** RFC 9562 version 4. */
function uuid(): string {
  const bytes = random(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/**
 * Files what was typed, and its attachments as records of their own, each pointing to the other. Typing over a record files a new version
 * of it; the one before stays.
 */
export async function typeIn(vault: OpenVault, { typed, files, of }: TypeIn): Promise<TypedIn> {
  const before = of ? await resourceOf(vault, of) : null
  const id = before ? String(before.id) : uuid()
  const { name } = vault.ctx.session.state.ring
  const common = { id, patient: name, origin: byPatient(name), recorded: isoTime(clock()) }
  const { resourceType } = build(common, typed)
  const fresh = await Promise.all(files.map(f => attachment(vault, f, `${resourceType}/${id}`)))
  const attached = [...attachedTo(before), ...fresh.map(f => f.attached)]
  const bytes = resourceFile(build({ ...common, attached }, typed))
  const items = [...fresh.flatMap(f => f.item ?? []), { name: `${typed.kind}-${id}.json`, size: bytes.length, chunks: () => only(bytes) }]
  const taken = await takeIn(vault, { items: each(items), signal: new AbortController().signal, progress: () => {} })
  const [filed] = taken.files.at(-1)?.ids ?? []
  // Typed over without a change: the record is there already.
  if (!filed && of) return { id: of }
  ensure(filed, 'BAD_INPUT', 'What was typed could not be filed.')
  return { id: filed }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

type Attachment = { readonly attached: Attached; readonly item?: ImportItem }

/** A file that is in the vault already is pointed to, not filed twice. */
async function attachment(vault: OpenVault, { name, file }: NewFile, owner: string): Promise<Attachment> {
  const hash = sha256Stream()
  for await (const chunk of chunksOf(file)) hash.update(chunk)
  const digest = hash.digest()
  for (const { entry, row } of vault.entries.all())
    if (entry.card.kind === 'document' && entry.card.canonical && equal(entry.card.canonical, digest))
      return { attached: { id: row.id, title: row.title } }
  const id = random(16)
  const title = titleFromName(name)
  const told = { id, attributes: { [ATTACHED_TO]: owner } }
  return { attached: { id: toHex(id), title }, item: { name, size: file.size, chunks: () => chunksOf(file), told } }
}

async function resourceOf(vault: OpenVault, id: string): Promise<Readonly<Record<string, unknown>>> {
  const { entry } = itemOf(vault, id)
  ensure(entry.card.kind === 'fhir' && entry.state === 'own', 'NOT_FOUND', 'Only what was typed in here can be typed over.')
  const [opened] = await openRecords(vault.ctx, [entry.id])
  ensure(opened, 'NOT_FOUND', 'The record is not at the relay.')
  return JSON.parse(new TextDecoder().decode(opened.body)) as Readonly<Record<string, unknown>>
}

/** A typed record, to be typed over. Throws NOT_FOUND for what came from elsewhere. */
export async function typedBefore(vault: OpenVault, id: string): Promise<TypedBefore> {
  const resource = await resourceOf(vault, id)
  const typed = unbuild(resource)
  ensure(typed, 'NOT_FOUND', 'Only what was typed in here can be typed over.')
  return { typed, attached: linksOf(vault, attachedTo(resource)) }
}
