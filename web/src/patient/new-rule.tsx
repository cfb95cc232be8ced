import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import { APART, SENSITIVE } from '#record/sensitive.ts'
import type { CompartmentView, ContactView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { ruleText } from './rules.tsx'
import { PURPOSES } from './share-draft.ts'
import { now } from './share-terms.tsx'

const DAY = 86_400
const ROLE = 'role'

const LONGEST = [7, 30, 90, 180, 365] as const
const CAPS = [1, 2, 5, 10, 100] as const
const UNTIL = [30, 90, 180, 365] as const
const VETO = [1, 6, 24, 72, 168, 0] as const

/** Whom, what, what for, how long, how often, until when, and how long there is to say no; then it is signed. */
export function NewRule() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [contacts, parts] = await Promise.all([api.contacts(null), api.compartments(null)])
      return { contacts: contacts.filter(c => c.verified), parts: parts.filter(p => !SENSITIVE.has(p.name) && !APART.has(p.name)) }
    },
    [],
    ['sharing'],
  )
  return (
    <Page title={t('rules.new')} tab={t('share.title')} lead={t('rules.newLead')} back={{ href: '#/rules', label: t('rules.title') }}>
      {error && !value ? <Failed error={error} onRetry={again} /> : value ? <Form {...value} /> : <Waiting />}
    </Page>
  )
}

type FormProps = { readonly contacts: readonly ContactView[]; readonly parts: readonly CompartmentView[] }

function Form({ contacts, parts }: FormProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const [name, setName] = useState('')
  const [to, setTo] = useState(contacts[0]?.did ?? ROLE)
  const [role, setRole] = useState('')
  const [chosen, setChosen] = useState<readonly string[]>([])
  const [purpose, setPurpose] = useState<string>(PURPOSES[0])
  const [days, setDays] = useState({ longest: 30, until: 365 })
  const [cap, setCap] = useState(1)
  const [veto, setVeto] = useState(24)
  const [tried, setTried] = useState(false)
  const code = role.trim().toUpperCase()
  const what = { role: to === ROLE ? code : null, parts: chosen, purposes: [purpose], longest: days.longest * DAY }
  const complete = name.trim() !== '' && chosen.length > 0 && (to !== ROLE || /^[A-Z0-9-]{1,8}$/.test(code))
  const signing = useDo(async () => {
    const until = now() + days.until * DAY
    await api.addRule({ ...what, name: name.trim(), to: to === ROLE ? null : to, cap, until, veto: veto * 3600 })
    location.hash = '#/rules'
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (complete) signing.run()
  }
  const select = (label: string, value: number, set: (n: number) => void, choices: readonly (readonly [number, string])[]) => (
    <NativeSelect
      label={label}
      value={String(value)}
      onChange={e => set(Number(e.currentTarget.value))}
      data={choices.map(([v, text]) => ({ value: String(v), label: text }))}
    />
  )
  const dayChoices = (all: readonly number[]) => all.map(d => [d, n('rules.days', d)] as const)
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <Panel>
        <div className="kw-stack kw-stack-wide">
          <TextInput
            label={t('rules.name')}
            placeholder={t('rules.nameExample')}
            maxLength={80}
            value={name}
            onChange={e => setName(e.currentTarget.value)}
          />
          <NativeSelect
            label={t('rules.who')}
            value={to}
            onChange={e => setTo(e.currentTarget.value)}
            data={[...contacts.map(c => ({ value: c.did, label: c.name })), { value: ROLE, label: t('rules.byRole') }]}
          />
          {to === ROLE && (
            <TextInput
              label={t('rules.role')}
              description={t('rules.roleNote')}
              maxLength={8}
              value={role}
              onChange={e => setRole(e.currentTarget.value)}
            />
          )}
        </div>
      </Panel>
      <Panel>
        <fieldset className="kw-choices kw-choices-two">
          <legend>{t('new.what')}</legend>
          <p className="kw-dim kw-grid-wide">{t('rules.never')}</p>
          {parts.map(p => (
            <Checkbox
              key={p.name}
              size="md"
              label={partName(words, p.name)}
              checked={chosen.includes(p.name)}
              onChange={e => setChosen(e.currentTarget.checked ? [...chosen, p.name] : chosen.filter(x => x !== p.name))}
            />
          ))}
        </fieldset>
      </Panel>
      <Panel>
        <div className="kw-grid">
          <NativeSelect
            label={t('new.why')}
            value={purpose}
            onChange={e => setPurpose(e.currentTarget.value)}
            data={PURPOSES.map(p => ({ value: p, label: purposeName(words, p) }))}
          />
          {select(t('rules.longest'), days.longest, longest => setDays({ ...days, longest }), dayChoices(LONGEST))}
          {select(
            t('rules.capAsk'),
            cap,
            setCap,
            CAPS.map(c => [c, n('rules.times', c)] as const),
          )}
          {select(
            t('rules.vetoAsk'),
            veto,
            setVeto,
            VETO.map(h => [h, h ? n('rules.hours', h) : t('rules.vetoNone')] as const),
          )}
          {select(t('rules.untilAsk'), days.until, until => setDays({ ...days, until }), dayChoices(UNTIL))}
        </div>
      </Panel>
      <Panel title={t('new.review')} icon="paper">
        <div className="kw-stack">
          {complete && <p>{ruleText(words, { ...what, to: contacts.find(c => c.did === to)?.name ?? null })}</p>}
          <p className="kw-dim">{t('rules.agent')}</p>
          {tried && !complete && (
            <Banner tone="warn" urgent>
              {t('rules.missing')}
            </Banner>
          )}
          {signing.error !== null && <Failed error={signing.error} />}
          <div>
            <Button type="submit" size="lg" loading={signing.busy}>
              {t('rules.sign')}
            </Button>
          </div>
        </div>
      </Panel>
    </form>
  )
}
