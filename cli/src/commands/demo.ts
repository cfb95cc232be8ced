import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { join as accept, invite } from '@keepwell/sdk/actions/access/invite'
import { openSession } from '@keepwell/sdk/actions/access/open-session'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { exportBundle } from '@keepwell/sdk/actions/records/export-bundle'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { attestMilestone, mintMilestone } from '@keepwell/sdk/actions/records/mint-milestone'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { checkState, publishState } from '@keepwell/sdk/actions/records/publish-state'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { compartmentNamed, grantedSecret } from '@keepwell/sdk/actions/records/secrets'
import { submitItems } from '@keepwell/sdk/actions/records/submit-items'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { homeLedger } from '@keepwell/sdk/actions/vault/calls'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { concat, equal, utf8 } from '@keepwell/sdk/base/bytes'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Command } from '#command'
import { memoryItem, narrator, occurs, type Party, party, refusal } from '#demo'
import type { Io } from '#io'
import { bytesOf, result } from '#show'

const DAY = 86_400
const CANARY = 'Zaubernuss canary 7731'

export const demo: Command = {
  name: 'demo',
  group: 'start',
  summary: 'Play the whole story between a patient and a clinic, in about a minute, on made-up data.',
  about:
    'Two homes with two relays and two ledgers, over real HTTP on this machine, in a temporary folder. Every step says what it proved. Exit code 5 when\na check failed.',
  options: { keep: { type: 'boolean', about: 'Leave the temporary folder, to look into it.' } },
  async run(io, args) {
    const dir = await mkdtemp(join(tmpdir(), 'keepwell-demo-'))
    const began = performance.now()
    const tell = narrator(
      line => (args.json ? undefined : io.print(line)),
      () => performance.now(),
    )
    try {
      await story(io, dir, tell)
    } finally {
      if (args.flag('keep')) io.note(`Left for you to look at: ${dir}`)
      else await rm(dir, { recursive: true, force: true })
    }
    const failed = tell.failed()
    const seconds = Math.round((performance.now() - began) / 100) / 10
    result(io, args, { ok: failed.length === 0, checks: tell.count(), failed, seconds, steps: tell.steps }, () => [
      '',
      failed.length ? `${failed.length} of ${tell.count()} checks FAILED:` : `All ${tell.count()} checks held, in ${seconds} seconds.`,
      ...failed.map(f => `  ${f}`),
    ])
    return failed.length ? 5 : 0
  },
}

type Narrator = ReturnType<typeof narrator>

async function story(io: Io, dir: string, tell: Narrator): Promise<void> {
  const open: Party[] = []
  try {
    await tell.step('Ada and Clinic West each make a home: own keys, own relay, own ledger.', async check => {
      open.push(await party(io, join(dir, 'ada'), 'Ada Example'), await party(io, join(dir, 'clinic'), 'Clinic West'))
      const chains = await Promise.all(open.map(async p => (await homeLedger(p.ctx)).chainId))
      check(`two ledgers that share nothing (chains ${chains.join(' and ')})`, chains[0] !== chains[1])
    })
    const [ada, clinic] = open as [Party, Party]
    await filing(io, dir, tell, ada)
    await meeting(tell, ada, clinic)
    await sharing(tell, ada, clinic)
    await writing(tell, ada, clinic)
    await looking(tell, ada)
    await ending(tell, ada, clinic)
    await keeping(tell, ada)
  } finally {
    for (const p of open) await p.close()
  }
}

async function anchored(p: Party): Promise<{ confirmed: number; waiting: number; wrong: readonly string[] }> {
  await p.running.home.relay.anchor()
  return confirmAnchors(p.ctx, await listEntries(p.ctx))
}

async function filing(io: Io, dir: string, tell: Narrator, ada: Party): Promise<void> {
  await tell.step('Ada takes in her files: a hospital’s FHIR Bundle of 300 resources, a scan, a letter.', async check => {
    const bundle = sampleBundle('demonstration', { resources: 300, now: io.clock() })
    const files = [
      memoryItem('hospital.json', utf8(JSON.stringify(bundle))),
      memoryItem('scan.dcm', sampleDicom('demonstration')),
      memoryItem('letter.pdf', concat(samplePdf('A letter'), utf8(`\n% ${CANARY}\n`))),
    ]
    const source = (async function* () {
      yield* files
    })()
    let taken = 0
    for await (const v of importItems(ada.ctx, source)) if (v.outcome === 'taken') taken++
    check(`${taken} records taken, none refused`, taken === 302)
    const proofs = await anchored(ada)
    check(
      `${proofs.confirmed} proofs of existence on the ledger, one transaction for all of them`,
      proofs.confirmed === taken && !proofs.wrong.length,
    )
    const entries = await listEntries(ada.ctx)
    await publishState(ada.ctx)
    const [scan] = entries.filter(e => e.card.kind === 'dicom')
    const [opened] = await openRecords(ada.ctx, [scan!.id])
    check('the scan comes back byte for byte', equal(opened!.body, sampleDicom('demonstration')))
    check('the relay’s files hold not one word of the letter', !occurs(join(dir, 'ada', 'relay'), CANARY))
  })
}

async function meeting(tell: Narrator, ada: Party, clinic: Party): Promise<void> {
  await tell.step('Ada hands the clinic an invitation; each now knows the other’s keys.', async check => {
    const link = await invite(ada.ctx)
    await accept(clinic.ctx, link)
    const arrivals = await receiveMessages(ada.ctx)
    check('the clinic’s answer arrived, signed', arrivals.length === 1 && arrivals[0]!.kind === 'contact')
    await accept(clinic.ctx, link)
    const [second] = await receiveMessages(ada.ctx)
    check('the link works only once', second?.kind === 'refused' && second.code === 'INVITATION_USED')
  })
}

const laboratory = (ctx: Ctx): Uint8Array => compartmentNamed(ctx.session.state.ring, 'laboratory').id

async function sharing(tell: Narrator, ada: Party, clinic: Party): Promise<void> {
  await tell.step('The clinic asks for the laboratory results; Ada agrees for 90 days; the clinic reads.', async check => {
    const from = ada.ctx.session.state.ring.did
    await requestAccess(clinic.ctx, {
      from,
      purpose: 'TREAT',
      level: 'read',
      compartments: ['laboratory'],
      seconds: 90 * DAY,
      text: 'For your visit on Monday.',
    })
    const [request] = await receiveMessages(ada.ctx)
    check('the request came in plain words, from a verified party', request?.kind === 'request' && request.verified)
    const given = await grant(ada.ctx, {
      to: clinic.ctx.session.state.ring.did,
      level: 'read',
      purposes: ['TREAT'],
      compartments: [laboratory(ada.ctx)],
      expiry: ada.ctx.clock() + 90 * DAY,
    })
    check(`the consent took ${bytesOf(given.messageBytes)}, whatever the number of records`, given.messageBytes < 16_384)
    await receiveMessages(clinic.ctx)
    const session = await openSession(clinic.ctx, { grant: given.commitment, purpose: 'TREAT', person: 'Dr. West' })
    const mine = (await listEntries(ada.ctx)).filter(e => equal(e.compartment, laboratory(ada.ctx)))
    check(
      `the clinic sees ${session.records.length} laboratory results and nothing else`,
      session.records.length === mine.length && mine.length > 0,
    )
    const opened = await session.open(session.records.slice(0, 3).map(r => r.id))
    check('three were opened; their author’s two signatures hold', opened.length === 3 && opened.every(o => o.author === 'verified'))
    const other = (await listEntries(ada.ctx)).find(e => !equal(e.compartment, laboratory(ada.ctx)))!
    check('a record outside the consent was refused', (await refusal(() => session.open([other.id]))) === 'DENIED')
    check(
      'and so was another purpose',
      (await refusal(() => openSession(clinic.ctx, { grant: given.commitment, purpose: 'HRESCH' }))) === 'DENIED',
    )
    session.close()
  })
}

async function writing(tell: Narrator, ada: Party, clinic: Party): Promise<void> {
  await tell.step('The clinic writes a result into Ada’s record while she sleeps.', async check => {
    const to = ada.ctx.session.state.ring.did
    await grant(ada.ctx, {
      to: clinic.ctx.session.state.ring.did,
      level: 'write',
      purposes: ['TREAT'],
      compartments: [laboratory(ada.ctx)],
      expiry: ada.ctx.clock() + 90 * DAY,
    })
    await receiveMessages(clinic.ctx)
    const resource = {
      resourceType: 'Observation',
      id: '4be1b2f6-9d0e-4c60-8d54-0d7f4b6fb111',
      status: 'final',
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '4548-4', display: 'Hemoglobin A1c' }] },
      valueQuantity: { value: 5.4, unit: '%' },
    }
    const source = (async function* () {
      yield memoryItem('result.json', utf8(JSON.stringify(resource)))
    })()
    for await (const v of submitItems(clinic.ctx, source, { to, purpose: 'TREAT' }))
      check(`submitted to ${v.compartment}`, v.outcome === 'taken')
    const received = await receiveRecords(ada.ctx)
    const [entry] = (await listEntries(ada.ctx)).filter(e => e.card.author !== to)
    check('Ada received it, and both of the clinic’s signatures hold', received.problems.length === 0 && entry?.state === 'verified')
    const proofs = await anchored(ada)
    check('its proof is on her ledger', proofs.waiting === 0 && proofs.wrong.length === 0)
    await publishState(ada.ctx)
  })
}

async function looking(tell: Narrator, ada: Party): Promise<void> {
  await tell.step('Ada looks who read what.', async check => {
    const trail = await verifyTrail(ada.ctx)
    const others = trail.looked.filter(l => l.name !== 'you')
    check(`${trail.looked.length} receipts, numbered without a gap, signed by reader and relay, in the log`, trail.problems.length === 0)
    check(
      'the clinic’s every reading is among them, with name and purpose',
      others.some(l => l.receipt.action === 'view' && l.receipt.person === 'Dr. West' && l.receipt.ids.length === 3),
    )
    check('and so is what it was refused', others.filter(l => l.receipt.verdict === 'denied').length === 2)
    check('the log’s head is on the ledger', trail.anchored !== null)
  })
}

async function ending(tell: Narrator, ada: Party, clinic: Party): Promise<void> {
  await tell.step('Ada ends the consent.', async check => {
    const grantOf = receivedGrants(clinic.ctx).find(g => g.terms.level === 'read')!
    const began = performance.now()
    await revoke(ada.ctx, grantOf.grant.commitment)
    const code = await refusal(() => openSession(clinic.ctx, { grant: grantOf.grant.commitment, purpose: 'TREAT' }))
    check(`refused; ending it took ${Math.round(performance.now() - began)} ms in all`, code === 'DENIED')
    const [entry] = await later(ada, 'after the end')
    check('and it holds no key for what is written from now on', grantedSecret(grantOf.package.nodes, entry!) === null)
  })
  await tell.step('Ada erases a record.', async check => {
    const [entry] = await later(ada, 'to be erased')
    const { receipts } = await eraseRecords(ada.ctx, [entry!.id])
    check('the relay signed that it destroyed the key', receipts.length === 1)
    check('the record cannot be opened any more', (await openRecords(ada.ctx, [entry!.id])).length === 0)
    await publishState(ada.ctx)
  })
}

/** One more laboratory note of Ada’s own. */
async function later(ada: Party, words: string) {
  const before = new Set((await listEntries(ada.ctx)).map(e => e.id.join()))
  const source = (async function* () {
    yield memoryItem(`${words}.txt`, utf8(words))
  })()
  for await (const v of importItems(ada.ctx, source, { compartment: 'laboratory' })) void v
  return (await listEntries(ada.ctx)).filter(e => !before.has(e.id.join()))
}

async function keeping(tell: Narrator, ada: Party): Promise<void> {
  await tell.step('Ada makes a keepsake of her vaccination: a token that cannot be sold.', async check => {
    const vaccination = (await listEntries(ada.ctx)).find(e => e.card.resourceType === 'Immunization')!
    const attested = await attestMilestone(ada.ctx, vaccination, 'Vaccination')
    await anchored(ada)
    const proof = { record: vaccination.id, leaf: vaccination.leaf }
    const { tokenId } = await mintMilestone(ada.ctx, attested, {
      recordType: 'Vaccination',
      provider: vaccination.card.author,
      timestamp: ada.ctx.clock(),
      verificationProof: proof,
    })
    const owner = await (await homeLedger(ada.ctx)).tokens.ownerOf(tokenId)
    check(
      'the ledger knows its owner by an address used for nothing else',
      owner !== null && !ada.ctx.session.state.ring.did.includes(owner),
    )
    await publishState(ada.ctx)
  })
  await tell.step('Ada keeps a copy, and starts again on an empty machine.', async check => {
    const parts: Uint8Array[] = []
    for await (const part of backup(ada.ctx)) parts.push(part)
    const whole = concat(...parts)
    const found = await checkBackup(memoryItem('backup', whole).chunks(), ada.ctx.session.device)
    const entries = await listEntries(ada.ctx)
    check(`a backup of ${bytesOf(whole.length)}, read back and compared: ${found.records} records`, found.records === entries.length)
    check('nothing in it can be read without her keys', !Buffer.from(whole).includes(CANARY))
    let exported = 0
    for await (const part of exportBundle(ada.ctx, entries)) exported += part.length
    check(`one FHIR Bundle of ${bytesOf(exported)} to take elsewhere`, exported > 100_000)
    const session = await restoreVault(ada.ctx, { words: ada.words, relay: ada.running.url, deviceName: 'empty machine' })
    const again: Ctx = { ...ada.ctx, session, catalog: memoryCatalog() }
    await receiveRecords(again)
    const restored = await listEntries(again)
    checkState(again, restored)
    check(
      `from 24 words and her relay everything is back: ${restored.length} records, exactly those the signed head names`,
      restored.length === entries.length,
    )
  })
}
