import { Button, Checkbox, NativeSelect, Textarea } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partAbout, partName, purposeName } from '#record/labels.ts'
import type { ContactView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'

/** Parts that every record has by name; a patient who lacks one grants what there is. */
const PARTS = [
  'general',
  'laboratory',
  'medications',
  'imaging',
  'emergency',
  'wearables',
  'mental-health',
  'sexual-health',
  'substance-use',
  'genomics',
] as const
const PURPOSES = ['TREAT', 'CAREMGT', 'HRESCH', 'COVERAGE', 'HPAYMT', 'PUBHLTH'] as const
const DAY = 86_400
const SPANS: readonly { readonly days: number; readonly label: Key }[] = [
  { days: 1, label: 'new.day' },
  { days: 7, label: 'new.week' },
  { days: 30, label: 'new.month' },
  { days: 90, label: 'new.quarter' },
  { days: 365, label: 'new.year' },
]
const LEVELS = ['read', 'write'] as const
type Level = (typeof LEVELS)[number]

/** Asks a connected person for access, in the words that they will read. */
export function AskForAccess({ to, level }: { readonly to: string; readonly level: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.contacts(null), [], ['sharing'])
  return (
    <Page title={t('ask.title')} tab={t('desk.title')} back={{ href: '#/desk', label: t('desk.title') }} lead={t('ask.lead')}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.length ? (
        <AskForm contacts={value} to={value.some(c => c.did === to) ? to : value[0]!.did} level={level === 'write' ? 'write' : 'read'} />
      ) : (
        <Panel>
          <Empty icon="person" title={t('share.people')} actions={<Connect />}>
            {t('ask.none')}
          </Empty>
        </Panel>
      )}
    </Page>
  )
}

const Connect = () => {
  const { t } = useWords()
  return (
    <>
      <Button component="a" href="#/invite" variant="light">
        {t('share.invite')}
      </Button>
      <Button component="a" href="#/join" variant="default">
        {t('share.join')}
      </Button>
    </>
  )
}

type FormProps = { readonly contacts: readonly ContactView[]; readonly to: string; readonly level: Level }

function AskForm({ contacts, to: first, level }: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [to, setTo] = useState(first)
  const [levels, setLevels] = useState<readonly Level[]>([level])
  const [parts, setParts] = useState<readonly string[]>([])
  const [purpose, setPurpose] = useState<string>('TREAT')
  const [days, setDays] = useState(30)
  const [text, setText] = useState('')
  const [tried, setTried] = useState(false)
  const [sent, setSent] = useState(false)
  const name = contacts.find(c => c.did === to)?.name ?? ''
  const good = levels.length > 0 && parts.length > 0
  const asking = useDo(async () => {
    const ordered = LEVELS.filter(l => levels.includes(l))
    await api.askForAccess({ to, levels: ordered, compartments: parts, purpose, seconds: days * DAY, text: text.trim() })
    setSent(true)
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    setTried(true)
    if (good) asking.run()
  }
  if (sent)
    return (
      <div className="kw-stack">
        <Banner icon="check" urgent title={t('ask.done', { name })}>
          {t('ask.doneNote')}
        </Banner>
        <div>
          <Button component="a" href="#/desk" variant="light">
            {t('ask.doneList')}
          </Button>
        </div>
      </div>
    )
  return (
    <form className="kw-stack kw-stack-wide" onSubmit={submit}>
      <div className="kw-grid">
        <div className="kw-stack">
          <Panel>
            <div className="kw-stack">
              <NativeSelect
                label={t('ask.who')}
                value={to}
                onChange={e => setTo(e.currentTarget.value)}
                data={contacts.map(c => ({ value: c.did, label: c.name }))}
              />
              <p className="kw-dim kw-small">
                {t('ask.other')} <a href="#/invite">{t('share.invite')}</a> · <a href="#/join">{t('share.join')}</a>
              </p>
              <fieldset className="kw-choices">
                <legend>{t('ask.what')}</legend>
                {LEVELS.map(l => (
                  <label key={l} className="kw-choice">
                    <input type="checkbox" checked={levels.includes(l)} onChange={() => setLevels(toggled(levels, l))} />
                    <span className="kw-choice-text">
                      <strong>{t(`ask.${l}`)}</strong>
                      <span className="kw-line-sub kw-wrap">{t(`ask.${l}Note`)}</span>
                    </span>
                  </label>
                ))}
              </fieldset>
              {levels.length > 1 && <p className="kw-dim kw-small">{t('ask.both')}</p>}
            </div>
          </Panel>
          <Panel>
            <div className="kw-stack">
              <NativeSelect
                label={t('ask.why')}
                value={purpose}
                onChange={e => setPurpose(e.currentTarget.value)}
                data={PURPOSES.map(p => ({ value: p, label: purposeName(words, p) }))}
              />
              <NativeSelect
                label={t('ask.until')}
                value={String(days)}
                onChange={e => setDays(Number(e.currentTarget.value))}
                data={SPANS.map(s => ({ value: String(s.days), label: t(s.label) }))}
              />
              <Textarea
                label={t('ask.text')}
                description={t('ask.textHint')}
                rows={3}
                maxLength={2000}
                value={text}
                onChange={e => setText(e.currentTarget.value)}
              />
            </div>
          </Panel>
        </div>
        <Panel>
          <fieldset className="kw-choices">
            <legend>{t('ask.parts')}</legend>
            <div className="kw-checks">
              {PARTS.map(p => (
                <Checkbox
                  size="md"
                  key={p}
                  label={partName(words, p)}
                  description={partAbout(words, p)}
                  checked={parts.includes(p)}
                  onChange={() => setParts(toggled(parts, p))}
                />
              ))}
            </div>
          </fieldset>
        </Panel>
      </div>
      {tried && !good && (
        <Banner tone="warn" urgent>
          {t('ask.missing')}
        </Banner>
      )}
      {asking.error !== null && <Failed error={asking.error} />}
      <div>
        <Button type="submit" size="lg" loading={asking.busy}>
          {t('ask.go')}
        </Button>
      </div>
    </form>
  )
}

const toggled = <T,>(list: readonly T[], item: T): readonly T[] => (list.includes(item) ? list.filter(x => x !== item) : [...list, item])
