import { Button, NativeSelect } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Banner, Empty, Page, Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partAbout, partName, purposeName } from '#record/labels.ts'
import type { ContactView, ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Choice } from './choice.tsx'
import { SPANS, untilOf } from './share-draft.ts'
import { now, ShareGone } from './share-terms.tsx'

/** Shares on part of a record that one looks after, within the limits of one's own share. */
export function PassOn({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [shares, contacts] = await Promise.all([api.shares(null), api.contacts(null)])
      const share = shares.received.find(s => s.id === id && s.level === 'admin')
      return { share, contacts: contacts.filter(c => c.verified && c.did !== share?.did) }
    },
    [id],
    ['sharing'],
  )
  const share = value?.share
  return (
    <Page
      title={share ? t('passOn.title', { name: share.name }) : t('shared.passOn')}
      tab={t('share.title')}
      back={{ href: `#/cared/${id}`, label: share ? t('shared.title', { name: share.name }) : t('share.title') }}
      {...(share ? { lead: t('passOn.lead', { name: share.name }) } : {})}
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : !share ? (
        <ShareGone />
      ) : value.contacts.length === 0 ? (
        <Panel>
          <Empty
            icon="person"
            title={t('passOn.nobody')}
            actions={
              <Button component="a" href="#/invite">
                {t('share.invite')}
              </Button>
            }
          />
        </Panel>
      ) : (
        <PassOnForm share={share} contacts={value.contacts} />
      )}
    </Page>
  )
}

type FormProps = { readonly share: ShareView; readonly contacts: readonly ContactView[] }

function PassOnForm({ share, contacts }: FormProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [to, setTo] = useState(contacts[0]!.did)
  const [level, setLevel] = useState<'read' | 'write'>('read')
  const [parts, setParts] = useState<readonly string[]>([])
  const [purpose, setPurpose] = useState(share.purposes.find(p => p === 'TREAT') ?? share.purposes[0] ?? '')
  const [span, setSpan] = useState('30')
  const [began] = useState(now)
  const [done, setDone] = useState<{ readonly name: string; readonly told: boolean } | null>(null)
  const until = Math.min(share.until, untilOf({ span, date: '' }, began))
  const name = contacts.find(c => c.did === to)?.name ?? ''
  const passing = useDo(async () => {
    const told = await api.passOn({ under: share.id, to, level, compartments: parts, purposes: [purpose], until })
    setDone({ name, told })
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (parts.length) passing.run()
  }
  if (done)
    return (
      <Banner icon="check" urgent title={t('passOn.done', { name: done.name })}>
        {!done.told && <p>{t('passOn.untold', { owner: share.name })}</p>}
        <a href={`#/cared/${share.id}`}>{t('shared.back', { name: share.name })}</a>
      </Banner>
    )
  const terms = {
    name,
    owner: share.name,
    parts: words.list(parts.map(p => partName(words, p))),
    purpose: purposeName(words, purpose),
    date: words.day(until),
  }
  return (
    <form className="kw-split" onSubmit={submit}>
      <div className="kw-stack kw-stack-wide">
        <Panel>
          <div className="kw-stack kw-stack-wide">
            <NativeSelect
              label={t('new.who')}
              value={to}
              onChange={e => setTo(e.currentTarget.value)}
              data={contacts.map(c => ({ value: c.did, label: c.name }))}
            />
            <fieldset className="kw-choices kw-choices-two">
              <legend>{t('new.level')}</legend>
              <Choice
                name="level"
                title={t('new.levelRead')}
                note={t('new.levelReadNote')}
                checked={level === 'read'}
                onChange={() => setLevel('read')}
              />
              <Choice
                name="level"
                title={t('new.levelWrite')}
                note={t('new.levelWriteNote')}
                checked={level === 'write'}
                onChange={() => setLevel('write')}
              />
            </fieldset>
            <fieldset className="kw-choices">
              <legend>{t(level === 'read' ? 'new.what' : 'new.whatWrite')}</legend>
              {share.compartments.map(p => (
                <label key={p} className="kw-choice">
                  <input
                    type="checkbox"
                    checked={parts.includes(p)}
                    onChange={e => setParts(e.currentTarget.checked ? [...parts, p] : parts.filter(x => x !== p))}
                  />
                  <span className="kw-choice-text">
                    <strong>{partName(words, p)}</strong>
                    <span className="kw-line-sub kw-wrap">{partAbout(words, p)}</span>
                  </span>
                </label>
              ))}
            </fieldset>
            <NativeSelect
              label={t('new.why')}
              value={purpose}
              onChange={e => setPurpose(e.currentTarget.value)}
              data={share.purposes.map(p => ({ value: p, label: purposeName(words, p) }))}
            />
            <NativeSelect
              label={t('new.until')}
              description={t('passOn.limits', { date: words.day(share.until) })}
              value={span}
              onChange={e => setSpan(e.currentTarget.value)}
              data={SPANS.map(s => ({ value: s.value, label: t(s.label) }))}
            />
          </div>
        </Panel>
      </div>
      <div className="kw-sticky">
        <Panel title={t('new.review')}>
          <div className="kw-stack">
            {parts.length ? (
              <p>
                <strong>{t(level === 'read' ? 'passOn.review' : 'passOn.reviewWrite', terms)}</strong>
              </p>
            ) : (
              <p className="kw-dim">{t('new.missing')}</p>
            )}
            {passing.error !== null && <Failed error={passing.error} />}
            <Button type="submit" size="lg" fullWidth loading={passing.busy} disabled={!parts.length}>
              {t('shared.passOn')}
            </Button>
          </div>
        </Panel>
      </div>
    </form>
  )
}
