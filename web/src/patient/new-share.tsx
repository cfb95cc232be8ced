import { Button, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partAbout, partName, purposeName } from '#record/labels.ts'
import { SENSITIVE } from '#record/sensitive.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Choice } from './choice.tsx'
import { keptChosen } from './chosen.ts'
import { PickRecords } from './pick-records.tsx'
import { type Basis, byRecords, type Draft, firstDraft, MOST, missing, OWN, PURPOSES, SPANS, shareOf, untilOf } from './share-draft.ts'
import { Review } from './share-review.tsx'
import { now } from './share-terms.tsx'
import { Vouched } from './vouched.tsx'

type NewShareProps = {
  readonly to: string
  readonly request: string
  readonly replaces: string
  readonly records: readonly string[]
  /** Those chosen on the timeline. */
  readonly chosen: boolean
}

/** Who, what, why, until when; and all of it again in plain words before it is done. */
export function NewShare({ to, request, replaces, records, chosen }: NewShareProps) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [contacts, parts, requests, before] = await Promise.all([
        api.contacts(null),
        api.compartments(null),
        api.requests(null),
        replaces ? api.shareDraft(replaces) : null,
      ])
      return { contacts: contacts.filter(c => c.verified), parts, request: requests.find(r => r.id === request), replaces: before }
    },
    [request, replaces],
    ['sharing'],
  )
  return (
    <Page
      title={t(replaces ? 'sharing.change' : 'new.title')}
      tab={t('share.title')}
      back={{ href: replaces ? `#/share/${replaces}` : '#/share', label: t('share.title') }}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.contacts.length ? (
        <ShareForm {...value} records={chosen ? keptChosen(api) : records} to={to || value.request?.did || value.contacts[0]!.did} />
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

function ShareForm(props: Basis) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { contacts, parts, request, replaces } = props
  const [draft, setDraft] = useState(() => firstDraft(props))
  const [began] = useState(now)
  const [tried, setTried] = useState(false)
  const [shared, setShared] = useState<string | null>(null)
  const set = (change: Partial<Draft>): void => setDraft(d => ({ ...d, ...change }))
  const until = untilOf(draft, began)
  const lacks = missing(draft, until)
  const name = contacts.find(c => c.did === draft.to)?.name ?? ''
  const asked = useAsk(() => api.vouchedFor(draft.to), [draft.to], ['sharing'])
  const vouched = asked.value ?? null
  // What was given so before is not given otherwise because the ledger says no today.
  const may = vouched?.state === 'live' || (replaces?.share.whileVouched && replaces.share.did === draft.to)
  const input = shareOf(draft, until, {
    ...(may && draft.whileVouched ? { whileVouched: true } : {}),
    ...(request ? { request: request.id } : {}),
    ...(replaces ? { replaces: replaces.share.id } : {}),
  })
  const sharing = useDo(async () => {
    await api.share(input)
    setShared(name)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (!lacks) sharing.run()
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
            <fieldset className="kw-choices">
              <legend>{t('new.level')}</legend>
              {LEVELS.map(l => (
                <Choice
                  key={l.level}
                  name="level"
                  title={t(l.title)}
                  note={t(l.note)}
                  checked={draft.level === l.level}
                  onChange={() => set({ level: l.level })}
                />
              ))}
            </fieldset>
          </div>
        </Panel>
        <Panel>
          <div className="kw-stack kw-stack-wide">
            {draft.level === 'read' && (
              <fieldset className="kw-choices kw-choices-two">
                <legend>{t('sharing.scope')}</legend>
                <Choice
                  name="scope"
                  title={t('sharing.scopeParts')}
                  note={t('sharing.scopePartsNote')}
                  checked={draft.scope === 'parts'}
                  onChange={() => set({ scope: 'parts' })}
                />
                <Choice
                  name="scope"
                  title={t('sharing.scopeRecords')}
                  note={t('sharing.scopeRecordsNote')}
                  checked={draft.scope === 'records'}
                  onChange={() => set({ scope: 'records' })}
                />
              </fieldset>
            )}
            {byRecords(draft) ? (
              <PickRecords parts={parts} chosen={draft.records} onChoose={records => set({ records })} />
            ) : (
              <Parts draft={draft} parts={parts} set={set} />
            )}
          </div>
        </Panel>
        <Panel>
          <div className="kw-grid">
            {draft.level !== 'admin' && (
              <NativeSelect
                label={t('new.why')}
                value={draft.purpose}
                onChange={e => set({ purpose: e.currentTarget.value })}
                data={[...new Set([...PURPOSES, draft.purpose])].map(p => ({ value: p, label: purposeName(words, p) }))}
              />
            )}
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
          <Vouched vouched={vouched} name={name} chosen={draft.whileVouched} onChoose={whileVouched => set({ whileVouched })} />
        </Panel>
      </div>
      <Review {...{ draft, input, name, parts, lacks, vouched }}>
        {tried && lacks && (
          <Banner tone="warn" urgent>
            {t(lacks, { count: MOST })}
          </Banner>
        )}
        {sharing.error !== null && <Failed error={sharing.error} />}
        <Button type="submit" size="lg" fullWidth loading={sharing.busy} disabled={asked.value === undefined && !asked.error}>
          {t('new.go')}
        </Button>
      </Review>
    </form>
  )
}

const LEVELS = [
  { level: 'read', title: 'new.levelRead', note: 'new.levelReadNote' },
  { level: 'write', title: 'new.levelWrite', note: 'new.levelWriteNote' },
  { level: 'admin', title: 'sharing.levelAdmin', note: 'sharing.levelAdminNote' },
] as const
const YEARS = [1, 2, 5, 10] as const

type PartsProps = { readonly draft: Draft; readonly parts: readonly CompartmentView[]; readonly set: (change: Partial<Draft>) => void }

function Parts({ draft, parts, set }: PartsProps) {
  const words = useWords()
  const { t, n } = words
  return (
    <>
      <fieldset className="kw-choices">
        <legend>{t(draft.level === 'write' ? 'new.whatWrite' : 'new.what')}</legend>
        {draft.level !== 'write' && !draft.since && <p className="kw-dim">{t('new.whatNote')}</p>}
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
      {draft.level === 'read' && (
        <NativeSelect
          label={t('sharing.since')}
          {...(draft.since ? { description: t('sharing.sinceNote') } : {})}
          value={draft.since}
          onChange={e => set({ since: e.currentTarget.value })}
          data={[{ value: '', label: t('sharing.sinceAll') }, ...YEARS.map(y => ({ value: String(y), label: n('sharing.sinceYears', y) }))]}
        />
      )}
    </>
  )
}
