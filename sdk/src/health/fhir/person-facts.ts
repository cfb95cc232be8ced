import { personName } from './facts.ts'
import { at, conceptText, field, isObject, list, string } from './read.ts'

/** Someone to call. A relation may be one of HL7's letters, as `C` for an emergency contact, when nothing better is written. */
export type Contact = { readonly name: string; readonly relation?: string; readonly phone?: string; readonly email?: string }

/** What a Patient says of a person besides their health. */
export type PersonFacts = {
  readonly name?: string
  readonly birthDate?: string
  readonly gender?: string
  readonly phone?: string
  readonly email?: string
  readonly address?: string
  readonly language?: string
  readonly doctor?: string
  readonly contacts: readonly Contact[]
}

/** The first way to reach someone: not an old one, a mobile before others. */
function reach(telecom: unknown, system: 'phone' | 'email'): string | undefined {
  const all = list(telecom).filter(t => field(t, 'system') === system && field(t, 'use') !== 'old')
  return string(field(all.find(t => field(t, 'use') === 'mobile') ?? all[0], 'value'))
}

function addressText(address: unknown): string | undefined {
  const all = list(address).filter(a => field(a, 'use') !== 'old')
  const one = all[0]
  if (!isObject(one)) return undefined
  const place = [field(one, 'postalCode'), field(one, 'city')].filter(x => typeof x === 'string').join(' ')
  const parts = [...list(field(one, 'line')), place, field(one, 'state'), field(one, 'country')]
  return string(field(one, 'text')) ?? string(parts.filter(x => typeof x === 'string' && x.trim()).join(', '))
}

const some = <K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined ? {} : ({ [name]: value } as Record<K, string>)

function contactOf(x: unknown): Contact[] {
  const name = personName(field(x, 'name')) ?? string(at(x, 'organization', 'display'))
  const phone = reach(field(x, 'telecom'), 'phone')
  const email = reach(field(x, 'telecom'), 'email')
  if (!name && !phone && !email) return []
  return [
    { name: name ?? '', ...some('relation', conceptText(field(x, 'relationship'))), ...some('phone', phone), ...some('email', email) },
  ]
}

function factsOf(resource: unknown): PersonFacts {
  if (field(resource, 'resourceType') === 'RelatedPerson') return { contacts: contactOf(resource) }
  const languages = list(field(resource, 'communication'))
  const language = languages.find(l => field(l, 'preferred') === true) ?? languages[0]
  return {
    ...some('name', personName(field(resource, 'name'))),
    ...some('birthDate', string(field(resource, 'birthDate'))),
    ...some('gender', string(field(resource, 'gender'))),
    ...some('phone', reach(field(resource, 'telecom'), 'phone')),
    ...some('email', reach(field(resource, 'telecom'), 'email')),
    ...some('address', addressText(field(resource, 'address'))),
    ...some('language', conceptText(field(language, 'language'))),
    ...some('doctor', string(at(resource, 'generalPractitioner', 'display'))),
    contacts: list(field(resource, 'contact')).flatMap(contactOf),
  }
}

/** What several Patients and RelatedPersons say, the first that says a thing winning; contacts of all, each once. */
export function personFacts(resources: readonly unknown[]): PersonFacts {
  const all = resources.map(factsOf)
  const contacts = new Map<string, Contact>()
  for (const c of all.flatMap(f => f.contacts)) {
    const key = (c.name || c.phone || c.email || '').toLowerCase()
    contacts.set(key, { ...c, ...contacts.get(key) })
  }
  return { ...Object.assign({}, ...[...all].reverse()), contacts: [...contacts.values()] }
}
