import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { EmergencySet, NewEmergency, ToldContact } from '#rpc/emergency.ts'
import type { ContactView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { lengthText } from '#words/length.ts'

/** Custodians by DID, with the address that was typed for each; the rest as it will be. */
type Draft = Omit<NewEmergency, 'custodians' | 'threshold'> & {
  readonly urls: Readonly<Record<string, string>>
  readonly threshold: number | null
}

const DAY = 86_400
const DELAYS = [0, 900, 3600, 6 * 3600]
const WINDOWS = [DAY, 12 * 3600, 6 * 3600, 3600]

const draftOf = (set: EmergencySet | null): Draft => ({
  urls: Object.fromEntries((set?.custodians ?? []).map(c => [c.did, c.url])),
  threshold: set?.threshold ?? null,
  contacts: set?.contacts ?? [],
  delay: set?.delay ?? 0,
  window: set?.window ?? DAY,
  persons: set?.persons === 2 ? 2 : 1,
})

/** More than half, and at least two. */
const usual = (n: number): number => Math.max(2, Math.floor(n / 2) + 1)

type SetUpProps = { readonly set: EmergencySet | null; readonly again: () => Promise<void> }

export function EmergencySetUp({ set, again }: SetUpProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const contacts = useAsk(() => api.emergencyCandidates(null), [], ['sharing'])
  return (
    <Page
      title={t(set ? 'emergency.goAgain' : 'emergency.go')}
      tab={t('emergency.title')}
      back={{ href: '#/emergency', label: t('emergency.title') }}
      {...(set ? { lead: t('emergency.changeLead') } : {})}
    >
      {contacts.error && !contacts.value ? (
        <Failed error={contacts.error} onRetry={contacts.again} />
      ) : !contacts.value ? (
        <Waiting />
      ) : contacts.value.length < 2 ? (
        <Banner icon="person" title={t('emergency.tooFew')}>
          <div className="kw-actions">
            <Button component="a" href="#/invite" variant="default">
              {t('share.invite')}
            </Button>
          </div>
        </Banner>
      ) : (
        <Form contacts={contacts.value} set={set} again={again} />
      )}
    </Page>
  )
}

function Form({ contacts, set, again }: SetUpProps & { readonly contacts: readonly ContactView[] }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [draft, setDraft] = useState(() => draftOf(set))
  const [unreached, setUnreached] = useState<readonly string[] | null>(null)
  const chosen = contacts.filter(c => Object.hasOwn(draft.urls, c.did))
  const threshold = Math.min(Math.max(2, chosen.length), draft.threshold ?? usual(chosen.length))
  const custodians = chosen.map(c => ({ did: c.did, url: draft.urls[c.did]!.trim().replace(/\/+$/, '') }))
  const { delay, window, persons } = draft
  const told = draft.contacts.filter(c => c.address.trim())
  const working = useDo(async () => {
    const input = { custodians, threshold, contacts: told.map(named), delay, window, persons }
    const done = await api.setUpEmergency(input)
    await again()
    if (done.unreached.length) setUnreached(done.unreached)
    else location.hash = '#/emergency'
  })
  const ready = chosen.length >= 2 && custodians.every(c => URL.canParse(c.url)) && told.every(c => isAddress(c.address))
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (ready) working.run()
  }
  if (unreached)
    return (
      <Banner tone="warn" urgent title={t('emergency.done')}>
        <p>{t('emergency.unreached', { names: words.list(unreached) })}</p>
        <a href="#/emergency/card">{t('emergency.owedPrint')}</a>
      </Banner>
    )
  if (working.busy) return <Waiting text={t('emergency.working')} />
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit} noValidate>
      <Panel title={t('emergency.who')} icon="key">
        <Custodians contacts={contacts} draft={draft} onChange={setDraft} />
        <Apart urls={custodians.map(c => c.url)} />
        {chosen.length >= 2 && (
          <NativeSelect
            mt="md"
            label={t('emergency.together')}
            description={t('emergency.kNote')}
            value={threshold}
            onChange={e => setDraft({ ...draft, threshold: Number(e.currentTarget.value) })}
            data={chosen.slice(1).map((_, i) => ({ value: String(i + 2), label: t('emergency.kOfN', { k: i + 2, n: chosen.length }) }))}
          />
        )}
      </Panel>
      <Panel title={t('emergency.told')} icon="bell">
        <Told contacts={draft.contacts} onChange={list => setDraft({ ...draft, contacts: list })} />
      </Panel>
      <details className="kw-panel" open={delay > 0 || window < DAY || persons > 1}>
        <summary>{t('emergency.rules')}</summary>
        <Rules draft={draft} onChange={setDraft} />
      </details>
      {working.error !== null && <Failed error={working.error} />}
      <div>
        <Button type="submit" size="lg" disabled={!ready}>
          {t(set ? 'emergency.goAgain' : 'emergency.go')}
        </Button>
      </div>
    </form>
  )
}

const isAddress = (text: string): boolean =>
  /^\S+@\S+\.\S+$/.test(text.trim()) || (URL.canParse(text.trim()) && /^https?:/.test(text.trim()))
const named = ({ name, address }: ToldContact): ToldContact => {
  const plain = address.trim()
  return { name: name.trim() || plain, kind: /^https?:/.test(plain) ? 'webhook' : 'email', address: plain }
}

type DraftProps = { readonly draft: Draft; readonly onChange: (d: Draft) => void }

function Custodians({ contacts, draft, onChange }: DraftProps & { readonly contacts: readonly ContactView[] }) {
  const { t } = useWords()
  const toggle = (did: string): void => {
    const { [did]: gone, ...rest } = draft.urls
    onChange({ ...draft, urls: gone === undefined ? { ...draft.urls, [did]: '' } : rest })
  }
  return (
    <fieldset className="kw-stack kw-keepers">
      <legend className="kw-dim">{t('emergency.whoNote')}</legend>
      {contacts.map(c => (
        <div key={c.did} className="kw-stack kw-stack-tight">
          <Checkbox size="md" label={c.name} checked={Object.hasOwn(draft.urls, c.did)} onChange={() => toggle(c.did)} />
          {Object.hasOwn(draft.urls, c.did) && (
            <TextInput
              className="kw-indent"
              label={t('emergency.url', { name: c.name })}
              description={t('emergency.urlHint')}
              inputMode="url"
              autoComplete="off"
              maxLength={300}
              value={draft.urls[c.did]}
              onChange={e => onChange({ ...draft, urls: { ...draft.urls, [c.did]: e.currentTarget.value } })}
            />
          )}
        </div>
      ))}
    </fieldset>
  )
}

/** Custodians at one house are one custodian with two shares. */
function Apart({ urls }: { readonly urls: readonly string[] }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value } = useAsk(() => api.emergencyApart(urls), [urls.join(' ')])
  if (!value?.length) return null
  const [[a, b]] = value as [readonly [string, string]]
  return (
    <Banner tone="warn" urgent>
      {t('emergency.apart', { a, b })}
    </Banner>
  )
}

const NOBODY: ToldContact = { name: '', kind: 'email', address: '' }

function Told({
  contacts,
  onChange,
}: {
  readonly contacts: readonly ToldContact[]
  readonly onChange: (c: readonly ToldContact[]) => void
}) {
  const { t } = useWords()
  const change = (at: number, to: Partial<ToldContact>): void => onChange(contacts.map((c, i) => (i === at ? { ...c, ...to } : c)))
  return (
    <div className="kw-stack">
      <p className="kw-dim">{t('emergency.toldNote')}</p>
      {contacts.map((c, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line being typed has nothing else to be known by
        <div key={i} className="kw-told">
          <TextInput
            label={t('emergency.toldName')}
            maxLength={200}
            value={c.name}
            onChange={e => change(i, { name: e.currentTarget.value })}
          />
          <TextInput
            label={t('emergency.toldAddress')}
            maxLength={300}
            value={c.address}
            error={c.address.trim() && !isAddress(c.address) ? t('emergency.toldBad') : null}
            onChange={e => change(i, { address: e.currentTarget.value })}
          />
          <Button
            variant="subtle"
            aria-label={t('emergency.toldRemove', { name: c.name || c.address })}
            onClick={() => onChange(contacts.filter((_, at) => at !== i))}
          >
            <Icon name="trash" size={20} />
          </Button>
        </div>
      ))}
      {contacts.length < 16 && (
        <div>
          <Button variant="light" leftSection={<Icon name="add" size={19} />} onClick={() => onChange([...contacts, NOBODY])}>
            {t('emergency.toldAdd')}
          </Button>
        </div>
      )}
    </div>
  )
}

function Rules({ draft, onChange }: DraftProps) {
  const words = useWords()
  const { t } = words
  const times = (list: readonly number[]) => list.map(s => ({ value: String(s), label: s ? lengthText(words, s) : t('emergency.delay0') }))
  return (
    <div className="kw-stack kw-form">
      <Banner tone="warn">{t('emergency.rulesNote')}</Banner>
      <NativeSelect
        label={t('emergency.persons')}
        value={draft.persons}
        onChange={e => onChange({ ...draft, persons: e.currentTarget.value === '2' ? 2 : 1 })}
        data={[
          { value: '1', label: t('emergency.persons1') },
          { value: '2', label: t('emergency.persons2') },
        ]}
      />
      <NativeSelect
        label={t('emergency.delay')}
        value={draft.delay}
        onChange={e => onChange({ ...draft, delay: Number(e.currentTarget.value) })}
        data={times([...new Set([...DELAYS, draft.delay])].sort((a, b) => a - b))}
      />
      <NativeSelect
        label={t('emergency.window')}
        value={draft.window}
        onChange={e => onChange({ ...draft, window: Number(e.currentTarget.value) })}
        data={times([...new Set([...WINDOWS, draft.window])].sort((a, b) => b - a))}
      />
    </div>
  )
}
