import { equal } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { decodeTerms } from '#consent/terms'
import type { Call } from '#identity/call'
import type { EmergencyRules, Written } from '#ports/ledger'
import type { Body } from '#wire/methods'
import { checkTerms } from './consents.ts'
import { notify, type RelayContext } from './context.ts'
import { writeReceipt } from './receipts.ts'
import { at } from './schema.ts'

/** A value that this kind of meta-transaction needs; throws BAD_INPUT naming it. */
function need<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new KeepwellError('BAD_INPUT', `${name}: expected a value.`)
  return value
}

/** Sends to the ledger what somebody's keys signed; the relay pays and learns no more than the ledger does. */
export function meta(ctx: RelayContext, m: Body<'meta'>): Promise<Written> {
  const { ledger } = ctx
  const { deadline, signature } = m
  switch (m.kind) {
    case 'consent-grant':
      return ledger.consents.grant({
        holder: need(m.holder, 'holder'),
        commitment: need(m.commitment, 'commitment'),
        notBefore: need(m.notBefore, 'notBefore'),
        expiry: need(m.expiry, 'expiry'),
        level: need(m.level, 'level') as 1 | 2 | 3,
        deadline,
        signature,
      })
    case 'consent-revoke':
      return ledger.consents.revoke({ holder: need(m.holder, 'holder'), commitment: need(m.commitment, 'commitment'), deadline, signature })
    case 'set-attribute':
      return ledger.identities.setAttribute({
        identity: need(m.identity, 'identity'),
        name: need(m.name, 'name'),
        value: need(m.value, 'value'),
        validity: need(m.validity, 'validity'),
        deadline,
        signature,
      })
    case 'change-owner':
      return ledger.identities.changeOwner({
        identity: need(m.identity, 'identity'),
        newOwner: need(m.newOwner, 'newOwner'),
        deadline,
        signature,
      })
    case 'mint':
      return ledger.tokens.mint({
        root: need(m.root, 'root'),
        index: need(m.index, 'index'),
        path: need(m.path, 'path'),
        tokenHolder: need(m.tokenHolder, 'tokenHolder'),
        inner: need(m.inner, 'inner'),
        metadataDigest: need(m.metadataDigest, 'metadataDigest'),
        deadline,
        signature,
      })
    case 'emergency-ask':
      return ledger.emergencies.ask({
        tag: need(m.tag, 'tag'),
        reasonHash: need(m.reasonHash, 'reasonHash'),
        credential: need(m.credential, 'credential'),
        rules: need(m.rules, 'rules') as EmergencyRules,
        ...(m.preauthorisation ? { preauthorisation: m.preauthorisation } : {}),
        deadline,
        signature,
      })
    case 'emergency-approve':
      return ledger.emergencies.approve({ tag: need(m.tag, 'tag'), credential: need(m.credential, 'credential'), deadline, signature })
    case 'emergency-veto':
      return ledger.emergencies.veto({ tag: need(m.tag, 'tag'), deadline, signature })
    case 'emergency-review':
      return ledger.emergencies.review({ tag: need(m.tag, 'tag'), reviewHash: need(m.reviewHash, 'reviewHash'), deadline, signature })
    case 'burn':
      return ledger.tokens.burn({ tokenId: need(m.tokenId, 'tokenId'), deadline, signature })
  }
}

/** A proxy ends what it granted itself; it proves that with the terms it signed. */
async function allowProxy(ctx: RelayContext, call: Call, body: Body<'revoke'>): Promise<void> {
  ensure(body.terms, 'DENIED', 'Only the vault itself, or the proxy that granted, revokes here.')
  const checked = await checkTerms(ctx, body.terms, body.vault)
  const own = decodeTerms(body.terms).signed.signer === call.from && equal(checked.commitment, body.commitment)
  ensure(own, 'DENIED', 'Only the vault itself, or the proxy that granted, revokes here.')
}

/**
 * Ends a consent. The vault's own call is enough for this relay, from this moment, before the ledger (threat T15); the holder's
 * signature then ends it on the ledger for everyone. The patient may lack it, for a consent that a proxy gave: then the slot runs out.
 */
export async function revoke(ctx: RelayContext, call: Call, body: Body<'revoke'>): Promise<Written> {
  if (call.from !== body.vault) await allowProxy(ctx, call, body)
  ensure(body.signature || call.from === body.vault, 'BAD_INPUT', 'A proxy ends what it granted with the holder’s signature.')
  await ctx.envelopes.transact(body.vault, rows => rows.put('revoked', [{ key: body.commitment, value: at(String(ctx.clock())) }]))
  await writeReceipt(ctx, {
    vault: body.vault,
    call,
    action: 'revoke',
    grant: body.commitment,
    compartments: [],
    ids: [],
    purpose: 'PATRQT',
    verdict: 'allowed',
    reasons: [],
  })
  notify(ctx, body.vault, 'receipts')
  if (!body.signature) {
    const { block, time } = await ctx.ledger.head()
    return { tx: '', block, time }
  }
  return ctx.ledger.consents.revoke({
    holder: body.holder,
    commitment: body.commitment,
    deadline: body.deadline,
    signature: body.signature,
  })
}
