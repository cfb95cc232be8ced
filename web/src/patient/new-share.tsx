import { Button, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partAbout, partName, purposeName } from '#record/labels.ts'
import { SENSITIVE } from '#record/sensitive.ts'
import type { CompartmentView, ContactView, NewShare as Input, RequestView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'

const PURPOSES = ['TREAT', 'CAREMGT', 'FAMRQT', 'HRESCH', 'COVERAGE', 'HPAYMT', 'PUBHLTH'] as const
const DAY = 86_400
const SPANS: readonly { readonly value: string; readonly label: Key; readonly days: number }[] = [
  { value: '1', label: 'new.day', days: 1 },
  { value: '7', label: 'new.week', days: 7 },
  { value: '30', label: 'new.month', days: 30 },
  { value: '90', label: 'new.quarter', days: 90 },
  { value: '365', label: 'new.year', days: 365 },
]
const OWN = 'own'

type Draft = {
  readonly to: string
  readonly level: 'read' | 'write'
  readonly parts: readonly string[]
  readonly purpose: string
  readonly span: string
  readonly date: string
}

const now = (): number => Math.floor(Date.now() / 1000)

/** The last second of the chosen day here, or so many days from now. Zero for no day. */
function untilOf({ span, date }: Draft): number {
  if (span !== OWN) return now() + Number(span) * DAY
  const end = date ? new Date(`${date}T23:59:59`).getTime() : Number.NaN
  return Number.isNaN(end) ? 0 : Math.floor(end / 1000)
}

/** Who, what, why, until when; and all of it again in plain words before it is done. */
export function NewShare({ to, request }: { readonly to: string; readonly request: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [contacts, parts, requests] = await Promise.all([api.contacts(null), api.compartments(null), api.requests(null)])
      return { contacts: contacts.filter(c => c.verified), parts, request: requests.find(r => r.id === request) }
    },
    [request],
    ['sharing'],
  )
  return (
    <Page title={t('new.title')} tab={t('share.title')} back={{ href: '#/share', label: t('share.title') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.contacts.length ? (
        <ShareForm {...value} to={to || value.request?.did || value.contacts[0]!.did} />
      ) : (
        <Panel>
          <Empty
            icon="person"
            title={t('share.people')}
            actions={
              <Button component="a" href="#/invite">
                {t('share.invite')}
              </Button>
            }
          >
            {t('share.peopleNone')}
          </Empty>
        </Panel>
      )}
    </Page>
  )
}

type FormProps = {
  readonly contacts: readonly ContactView[]
  readonly parts: readonly CompartmentView[]
  readonly request: RequestView | undefined
  readonly to: string
}

function firstDraft({ to, request, parts }: FormProps): Draft {
  if (!request) return { to, level: 'read', parts: [], purpose: 'TREAT', span: '90', date: '' }
  const days = Math.max(1, Math.round(request.seconds / DAY))
  const known = SPANS.find(s => s.days === days)
  return {
    to: request.did,
    level: request.level === 'write' ? 'write' : 'read',
    parts: request.compartments.filter(c => parts.some(p => p.name === c)),
    purpose: request.purpose,
    span: known?.value ?? OWN,
    date: known ? '' : new Date((now() + request.seconds) * 1000).toISOString().slice(0, 10),
  }
}

function ShareForm(props: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { contacts, parts, request } = props
  const [draft, setDraft] = useState(() => firstDraft(props))
  const [tried, setTried] = useState(false)
  const [shared, setShared] = useState<string | null>(null)
  const set = (change: Partial<Draft>): void => setDraft(d => ({ ...d, ...change }))
  const until = untilOf(draft)
  const good = draft.parts.length > 0 && until > now()
  const name = contacts.find(c => c.did === draft.to)?.name ?? ''
  const sharing = useDo(async () => {
    const input: Input = {
      to: draft.to,
      level: draft.level,
      compartments: draft.parts,
      purpose: draft.purpose,
      until,
      ...(request ? { request: request.id } : {}),
    }
    await api.share(input)
    setShared(name)
  })
  // The answer is said on this page; then the list of shares has it.
  useEffect(() => {
    if (shared === null) return
    const timer = setTimeout(() => {
      location.hash = '#/share'
    }, 1800)
    return () => clearTimeout(timer)
  }, [shared])
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (good) sharing.run()
  }
  if (shared !== null)
    return (
      <Banner icon="check" urgent title={t('new.done', { name: shared })}>
        <a href="#/share">{t('share.given')}</a>
      </Banner>
    )
  return (
    <form className="kw-split" onSubmit={submit}>
      <div className="kw-stack kw-stack-wide">
        <Panel>
          <div className="kw-stack kw-stack-wide">
            <NativeSelect
              label={t('new.who')}
              value={draft.to}
              onChange={e => set({ to: e.currentTarget.value })}
              data={contacts.map(c => ({ value: c.did, label: c.name }))}
            />
            <fieldset className="kw-choices kw-choices-two">
              <legend>{t('new.level')}</legend>
              <Choice
                name="level"
                title={t('new.levelRead')}
                note={t('new.levelReadNote')}
                checked={draft.level === 'read'}
                onChange={() => set({ level: 'read' })}
              />
              <Choice
                name="level"
                title={t('new.levelWrite')}
                note={t('new.levelWriteNote')}
                checked={draft.level === 'write'}
                onChange={() => set({ level: 'write' })}
              />
            </fieldset>
          </div>
        </Panel>
        <Panel>
          <fieldset className="kw-choices">
            <legend>{t(draft.level === 'read' ? 'new.what' : 'new.whatWrite')}</legend>
            {draft.level === 'read' && <p className="kw-dim">{t('new.whatNote')}</p>}
            {parts.map(p => (
              <label key={p.name} className="kw-choice">
                <input
                  type="checkbox"
                  checked={draft.parts.includes(p.name)}
                  onChange={e => set({ parts: e.currentTarget.checked ? [...draft.parts, p.name] : draft.parts.filter(x => x !== p.name) })}
                />
                <span className="kw-choice-text">
                  <span className="kw-row kw-row-between">
                    <strong>{partName(words, p.name)}</strong>
                    <span className="kw-row">
                      {SENSITIVE.has(p.name) && <Tag tone="warn">{t('new.sensitive')}</Tag>}
                      <span className="kw-dim kw-number">{words.number(p.count)}</span>
                    </span>
                  </span>
                  <span className="kw-line-sub kw-wrap">{partAbout(words, p.name)}</span>
                </span>
              </label>
            ))}
          </fieldset>
        </Panel>
        <Panel>
          <div className="kw-grid">
            <NativeSelect
              label={t('new.why')}
              value={draft.purpose}
              onChange={e => set({ purpose: e.currentTarget.value })}
              data={[...new Set([...PURPOSES, draft.purpose])].map(p => ({ value: p, label: purposeName(words, p) }))}
            />
            <NativeSelect
              label={t('new.until')}
              value={draft.span}
              onChange={e => set({ span: e.currentTarget.value })}
              data={[...SPANS.map(s => ({ value: s.value, label: t(s.label) })), { value: OWN, label: t('new.untilDay') }]}
            />
            {draft.span === OWN && (
              <TextInput type="date" label={t('new.date')} value={draft.date} onChange={e => set({ date: e.currentTarget.value })} />
            )}
          </div>
        </Panel>
      </div>
      <Review draft={draft} name={name} until={until} parts={parts} good={good}>
        {tried && !good && (
          <Banner tone="warn" urgent>
            {t('new.missing')}
          </Banner>
        )}
        {sharing.error !== null && <Failed error={sharing.error} />}
        <Button type="submit" size="lg" fullWidth loading={sharing.busy}>
          {t('new.go')}
        </Button>
      </Review>
    </form>
  )
}

type ChoiceProps = {
  readonly name: string
  readonly title: string
  readonly note?: string
  readonly checked: boolean
  readonly onChange: () => void
}

const Choice = ({ name, title, note, checked, onChange }: ChoiceProps) => (
  <label className="kw-choice">
    <input type="radio" name={name} checked={checked} onChange={onChange} />
    <span className="kw-choice-text">
      <strong>{title}</strong>
      {note && <span className="kw-line-sub kw-wrap">{note}</span>}
    </span>
  </label>
)

type ReviewProps = {
  readonly draft: Draft
  readonly name: string
  readonly until: number
  readonly parts: readonly CompartmentView[]
  readonly good: boolean
  readonly children: React.ReactNode
}

function Review({ draft, name, until, parts, good, children }: ReviewProps) {
  const words = useWords()
  const { t, n } = words
  const names = (list: readonly CompartmentView[]): string => words.list(list.map(p => partName(words, p.name)))
  const chosen = parts.filter(p => draft.parts.includes(p.name))
  const rest = parts.filter(p => !draft.parts.includes(p.name))
  const terms = { name, parts: names(chosen), purpose: purposeName(words, draft.purpose), date: words.day(until) }
  return (
    <div className="kw-sticky">
      <Panel title={t('new.review')}>
        <div className="kw-stack">
          {good ? (
            <>
              <p>
                <strong>{t(draft.level === 'read' ? 'new.reviewRead' : 'new.reviewWrite', terms)}</strong>
              </p>
              {draft.level === 'read' && (
                <>
                  <p>
                    {n(
                      'new.reviewCount',
                      chosen.reduce((sum, p) => sum + p.count, 0),
                    )}
                  </p>
                  {rest.length > 0 && <p className="kw-dim">{t('new.reviewNot', { parts: names(rest) })}</p>}
                  <p className="kw-dim">{t('new.reviewReceipt')}</p>
                  <p className="kw-dim">{t('new.reviewUndo')}</p>
                </>
              )}
            </>
          ) : (
            <p className="kw-dim">{t('new.missing')}</p>
          )}
          {children}
        </div>
      </Panel>
    </div>
  )
}
