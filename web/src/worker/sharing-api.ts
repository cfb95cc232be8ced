import { isKeepwellError } from '@keepwell/sdk/base/error'
import { RemoteError } from '#rpc/rpc.ts'
import type { Choosing, NewShare, PassOn } from '#rpc/sharing.ts'
import { choose } from './choosing.ts'
import { type AddPerson, addPerson, confirmPerson, contacts, forgetPerson, meetAsker, person, renamePerson, vouchedFor } from './people.ts'
import { readUnder } from './read-under.ts'
import { givenShares, passedShares, receivedShares } from './shares.ts'
import {
  acceptInvitation,
  decline,
  endShare,
  extendShare,
  makeInvitation,
  passOn,
  previewShare,
  recordsOf,
  requests,
  share,
} from './sharing.ts'
import { trail, trailProof } from './trail.ts'
import type { OpenVault } from './vault.ts'

/** Few ask a witness: what it takes comes when it is wanted. */
const witnessing = () => import('./witnesses.ts')

/** Who may read, what others share, and who looked. */
export const sharingApi = (open: () => OpenVault) => ({
  contacts: async (_: null) => contacts(open()),
  person: async (did: string) => person(open(), did),
  vouchedFor: async (did: string) => vouchedFor(open(), did),
  addPerson: async (input: AddPerson) => addPerson(open(), input),
  meetAsker: async (request: string) => meetAsker(open(), request),
  confirmPerson: async (input: { readonly did: string; readonly fingerprint: string }) => confirmPerson(open(), input),
  renamePerson: async (input: { readonly did: string; readonly name: string }) => renamePerson(open(), input),
  forgetPerson: async (did: string) => forgetPerson(open(), did),
  shares: async (_: null) => ({ given: givenShares(open()), received: receivedShares(open()), passed: passedShares(open()) }),
  async readUnder(id: string) {
    const vault = open()
    const passed = passedShares(vault)
    const own = [...givenShares(vault), ...passed].filter(s => s.id === id)
    const under = passed.filter(p => own.some(s => s.consents.includes(p.under ?? '')))
    return readUnder(await trail(vault), [...own, ...under])
  },
  requests: async (_: null) => requests(open()),
  decline: async (input: { readonly id: string; readonly text: string }) => decline(open(), input),
  invite: async (name: string) => makeInvitation(open(), name),
  join: async (link: string) => acceptInvitation(open(), link),
  choose: async (input: Choosing) => choose(open().entries, input),
  previewShare: async (input: NewShare) => previewShare(open(), input),
  share: async (input: NewShare) => atOnce(share(open(), input)),
  extendShare: async (input: { readonly id: string; readonly until: number }) => atOnce(extendShare(open(), input)),
  /** A share as a form begins with it: its records by name, where it names any. */
  async shareDraft(id: string) {
    const found = givenShares(open()).find(s => s.id === id)
    return found ? { share: found, records: recordsOf(open(), found) } : null
  },
  passOn: async (input: PassOn) => atOnce(passOn(open(), input)),
  endShare: async (id: string) => atOnce(endShare(open(), id)),
  trail: async (_: null) => trail(open()),
  trailProof: async (_: null) => trailProof(open()),
  witnesses: async (_: null) => (await witnessing()).witnesses(open()),
  addWitness: async (url: string) => (await witnessing()).addWitness(open(), url),
  forgetWitness: async (url: string) => (await witnessing()).forgetWitness(open(), url),
  reportTrail: async (proof: Uint8Array) => (await witnessing()).reportTrail(open(), proof),
})

/** What others may read is changed now or not at all: it never waits for a relay, for nobody would know when it happens. */
const atOnce = <T>(work: Promise<T>): Promise<T> =>
  work.catch(e => {
    throw isKeepwellError(e, 'RELAY_UNREACHABLE') ? new RemoteError('NEEDS_RELAY', 'Shares change only while the relay answers.') : e
  })
