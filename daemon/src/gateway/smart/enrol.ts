import type { IncomingMessage, ServerResponse } from 'node:http'
import { toBase64Url } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { SmartContext } from './context.ts'
import { newPassphrase, newRecoveryCodes, newTotpSecret, totpStep, totpUri } from './factors.ts'
import { cookieName, ownForm, redirect, sendPage } from './form.ts'
import { endLogins } from './logins.ts'
import { donePage, enrolPage, type FactorsPage, factorsPage } from './pages.ts'
import { passkeyMade, passkeyOffer } from './passkeys.ts'
import { changeStaff, type Staff, staffById } from './staff.ts'
import { languageOf } from './words.ts'

type Enrolment = { readonly staff: string; readonly secret: string }
type Exchange = {
  readonly smart: SmartContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly base: string
}

const COOKIE = 'kw_enrol'
const KIND = 'enrolment'
const SECONDS = 900

/** Where a person sets up their login, with the code that the operator gave them. `verb` is what comes after `/enrol`. */
export async function runEnrolment(input: Omit<Exchange, 'base'>, verb: string): Promise<void> {
  const { smart, request, response } = input
  const x: Exchange = { ...input, base: `${new URL(smart.places.issuer).pathname}/enrol` }
  const language = languageOf(request.headers['accept-language'])
  if (request.method === 'GET') {
    if (verb === 'factors') return showFactors(x, await current(x), null)
    ensure(verb === '', 'NO_ROUTE', 'There is nothing at that path.')
    return sendPage(response, enrolPage(language, x.base, false))
  }
  ensure(request.method === 'POST', 'BAD_METHOD', 'That path is for forms.')
  const form = await ownForm(request, smart.site.origin)
  if (verb === '') return begin(x, form)
  const now = await current(x)
  if (verb === 'passphrase') return byPassphrase(x, now, form)
  ensure(verb === 'passkey', 'NO_ROUTE', 'There is nothing at that path.')
  return byPasskey(x, now, form)
}

async function begin({ smart, request, response, base }: Exchange, form: URLSearchParams): Promise<void> {
  const staff = await smart.tokens.take<string>('invite', (form.get('code') ?? '').trim())
  if (!staff) return sendPage(response, enrolPage(languageOf(request.headers['accept-language']), base, true), [], 401)
  const id = toBase64Url(smart.random(24))
  const enrolment: Enrolment = { staff, secret: newTotpSecret(smart.random) }
  await smart.tokens.put(KIND, id, enrolment, { expires: smart.clock() + SECONDS })
  response.setHeader('set-cookie', cookie(smart, id, SECONDS))
  redirect(response, `${base}/factors`)
}

const cookie = ({ site }: SmartContext, value: string, seconds: number): string =>
  `${cookieName({ site }, COOKIE)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${site.origin.startsWith('https') ? '; Secure' : ''}`

type Current = Enrolment & { readonly id: string; readonly person: Staff }

async function current({ smart, request }: Exchange): Promise<Current> {
  const id = new RegExp(`(?:^|; )${cookieName(smart, COOKIE)}=([\\w-]{32})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1]
  const found = id ? (await smart.tokens.get<Enrolment>(KIND, id))?.value : undefined
  const person = found ? await staffById(smart, found.staff) : null
  ensure(id && found && person, 'NOT_FOUND', 'Setting up has taken too long; ask for a new code.')
  return { ...found, id, person }
}

async function showFactors(
  { smart, request, response, base }: Exchange,
  { person, secret }: Current,
  problem: FactorsPage['problem'],
): Promise<void> {
  const options = await passkeyOffer(smart, smart.site, person)
  const uri = totpUri(secret, person.login)
  const language = languageOf(request.headers['accept-language'])
  sendPage(response, factorsPage({ language, action: base, name: person.name, options, secret, uri, problem }), [], problem ? 400 : 200)
}

async function byPassphrase(x: Exchange, now: Current, form: URLSearchParams): Promise<void> {
  const { smart } = x
  const step = totpStep(now.secret, form.get('code') ?? '', smart.clock(), 0)
  const belongs = [now.person.login, ...now.person.name.split(' '), ...smart.site.name.split(' ')]
  const passphrase = await newPassphrase(form.get('passphrase') ?? '', smart, belongs).catch(e => {
    if (isKeepwellError(e, 'WEAK_PASSPHRASE')) return 'weakPassphrase'
    if (isKeepwellError(e, 'BAD_INPUT')) return 'totpWrong'
    throw e
  })
  if (step === null) return showFactors(x, now, 'totpWrong')
  if (typeof passphrase === 'string') return showFactors(x, now, passphrase)
  const { codes, hashes } = newRecoveryCodes(smart.random)
  const totp = { secret: now.secret, last: step }
  await done(x, now, { passphrase, totp, recovery: hashes, passkeys: [] }, codes)
}

async function byPasskey(x: Exchange, now: Current, form: URLSearchParams): Promise<void> {
  const response = parsed(form.get('answer'))
  const made = await passkeyMade(x.smart, x.smart.site, { staff: now.person, response })
  await done(x, now, { passphrase: null, totp: null, recovery: [], passkeys: [made] }, [])
}

type Factors = Pick<Staff, 'passphrase' | 'totp' | 'recovery' | 'passkeys'>

/** What was set up replaces what there was; an enrolment counts once. */
async function done(
  { smart, request, response }: Exchange,
  { id, person }: Current,
  factors: Factors,
  codes: readonly string[],
): Promise<void> {
  ensure(await smart.tokens.take(KIND, id), 'NOT_FOUND', 'Setting up has taken too long; ask for a new code.')
  for (const old of person.passkeys) await smart.tokens.drop('passkey', old.id)
  await changeStaff(smart, person.id, staff => ({ ...staff, ...factors }))
  await smart.tokens.drop('attempts', person.login)
  // Whoever is in by what was replaced is out (OWASP ASVS 5.0, 7.4.3).
  await endLogins(smart, person.id, null)
  smart.log({ level: 'info', task: 'enrol', by: factors.passkeys.length ? 'passkey' : 'passphrase', staff: person.id })
  response.setHeader('set-cookie', cookie(smart, '', 0))
  sendPage(response, donePage(languageOf(request.headers['accept-language']), codes))
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
