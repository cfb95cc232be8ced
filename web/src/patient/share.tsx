import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import type { ContactView, RequestView, ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import type { Words } from '#words/words.ts'

/** Who may see what: requests, shares given and received, people. */
export function Share() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(
    async () => {
      const [shares, contacts, requests] = await Promise.all([api.shares(null), api.contacts(null), api.requests(null)])
      return { ...shares, contacts, requests }
    },
    [],
    ['sharing'],
  )
  return (
    <Page
      title={t('share.title')}
      tab={t('share.title')}
      lead={t('share.lead')}
      actions={
        value && value.contacts.length > 0 ? (
          <Button component="a" href="#/new-share" leftSection={<Icon name="add" size={19} />}>
            {t('share.new')}
          </Button>
        ) : undefined
      }
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {value.requests.length > 0 && <Requests list={value.requests} onChange={again} />}
          <div className="kw-grid">
            <Given list={value.given} onChange={again} />
            <People list={value.contacts} />
            {value.received.length > 0 && <Received list={value.received} />}
          </div>
        </>
      )}
    </Page>
  )
}

export const scopeText = (words: Words, s: Pick<ShareView, 'compartments' | 'records'>): string =>
  s.records ? words.n('share.records', s.records) : words.list(s.compartments.map(c => partName(words, c)))

const LEVELS = { read: 'share.mayRead', write: 'share.mayWrite', admin: 'share.mayAdmin' } as const

function shareSub(words: Words, s: ShareView): string {
  const purpose = words.list(s.purposes.map(p => purposeName(words, p)))
  return `${words.t(LEVELS[s.level])}: ${scopeText(words, s)} · ${words.t('share.for', { purpose })} · ${words.t('share.until', { date: words.day(s.until) })}`
}

function Given({ list, onChange }: { readonly list: readonly ShareView[]; readonly onChange: () => void }) {
  const words = useWords()
  const { t } = words
  const [ending, setEnding] = useState<ShareView | null>(null)
  const [ended, setEnded] = useState<{ readonly name: string; readonly unreached: readonly string[] } | null>(null)
  const live = list.filter(s => s.state === 'live')
  const over = list.filter(s => s.state !== 'live')
  return (
    <Panel title={t('share.given')} icon="share">
      {ended && (
        <Banner icon="check" urgent>
          <p>{t('share.endDone', { name: ended.name })}</p>
          {ended.unreached.map(name => (
            <p key={name}>{t('share.unreached', { name })}</p>
          ))}
        </Banner>
      )}
      {live.length ? (
        <ul className="kw-lines">
          {live.map(s => (
            <li key={s.id}>
              <RecordLine wrap title={s.name} sub={shareSub(words, s)} glyph={<Person />} />
              <Button size="sm" variant="default" onClick={() => setEnding(s)}>
                {t('share.end')}
              </Button>
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('share.givenNone')}</p>
      )}
      {over.length > 0 && (
        <details className="kw-more">
          <summary>{`${t('share.ended')} (${words.number(over.length)})`}</summary>
          <ul className="kw-lines">
            {over.map(s => (
              <li key={s.id}>
                <RecordLine
                  wrap
                  title={s.name}
                  sub={shareSub(words, s)}
                  side={<Tag>{t(s.state === 'revoked' ? 'share.revoked' : 'share.expired')}</Tag>}
                />
              </li>
            ))}
          </ul>
        </details>
      )}
      {ending && (
        <EndShare
          share={ending}
          onClose={() => setEnding(null)}
          onEnded={unreached => {
            setEnded({ name: ending.name, unreached })
            setEnding(null)
            onChange()
          }}
        />
      )}
    </Panel>
  )
}

type EndProps = { readonly share: ShareView; readonly onClose: () => void; readonly onEnded: (unreached: readonly string[]) => void }

function EndShare({ share, onClose, onEnded }: EndProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { name } = share
  const ending = useDo(async () => onEnded((await api.endShare(share.id)).unreached))
  return (
    <Confirm
      open
      title={t('share.endTitle', { name })}
      cancel={t('app.cancel')}
      go={t('share.endGo')}
      busy={ending.busy}
      error={ending.error === null ? null : errorText(words, ending.error)}
      onClose={onClose}
      onGo={() => ending.run()}
    >
      <Consequences title={t('share.endNow')} items={[t('share.end1', { name }), ...(share.level === 'write' ? [] : [t('share.end2')])]} />
      {share.level !== 'write' && <Consequences title={t('share.endNot')} items={[t('share.end3', { name })]} />}
    </Confirm>
  )
}

function Received({ list }: { readonly list: readonly ShareView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('share.received')} icon="folder" wide side={<a href="#/desk">{t('nav.desk')}</a>}>
      <ul className="kw-lines">
        {list.map(s => (
          <li key={s.id}>
            <div className="kw-row kw-row-between">
              <RecordLine wrap title={s.name} sub={shareSub(words, s)} glyph={<Person />} />
              {s.state === 'live' && s.level !== 'write' ? (
                <Button component="a" href={`#/desk/of/${s.id}`} variant="light">
                  {t('share.read')}
                </Button>
              ) : (
                s.state === 'expired' && <Tag>{t('share.expired')}</Tag>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

const Person = () => (
  <span className="kw-glyph" data-tone="brand">
    <Icon name="person" size={21} />
  </span>
)

function People({ list }: { readonly list: readonly ContactView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('share.people')} icon="person">
      {list.length ? (
        <ul className="kw-lines">
          {list.map(c => (
            <li key={c.did}>
              <RecordLine wrap title={c.name} sub={t('settings.since', { date: words.day(c.since) })} glyph={<Person />} />
              <details className="kw-small">
                <summary>{t('share.fingerprint')}</summary>
                <p className="kw-mono">{c.fingerprint}</p>
                <p className="kw-dim">{t('share.fingerprintNote')}</p>
              </details>
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('share.peopleNone')}</p>
      )}
      <div className="kw-row kw-actions">
        <Button component="a" href="#/invite" variant={list.length ? 'light' : 'filled'}>
          {t('share.invite')}
        </Button>
        <Button component="a" href="#/join" variant="default">
          {t('share.join')}
        </Button>
      </div>
    </Panel>
  )
}

const ASKS = { read: 'request.asks', write: 'request.asksWrite', admin: 'request.asksAdmin' } as const
const DAY = 86_400

function Requests({ list, onChange }: { readonly list: readonly RequestView[]; readonly onChange: () => void }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const declining = useDo(async (id: string) => {
    await api.decline(id)
    onChange()
  })
  return (
    <Panel title={t('share.requests')} icon="info">
      {declining.error !== null && <Failed error={declining.error} />}
      <ul className="kw-lines">
        {list.map(r => (
          <li key={r.id}>
            <div className="kw-stack kw-stack-tight">
              <p>
                <strong>{t(ASKS[r.level], { name: r.name, parts: words.list(r.compartments.map(c => partName(words, c))) })}</strong>{' '}
                {n('request.terms', Math.max(1, Math.round(r.seconds / DAY)), {
                  purpose: purposeName(words, r.purpose),
                  days: Math.max(1, Math.round(r.seconds / DAY)),
                })}
                {' · '}
                {words.day(r.at)}
              </p>
              {r.text && <blockquote className="kw-quote">{r.text}</blockquote>}
              {!r.verified && <Banner tone="warn">{t('request.unverified', { name: r.name })}</Banner>}
              <div className="kw-row">
                {r.verified && r.level !== 'admin' && (
                  <Button component="a" size="sm" href={`#/new-share?to=${encodeURIComponent(r.did)}&request=${r.id}`}>
                    {t('request.answer')}
                  </Button>
                )}
                <Button
                  size="sm"
                  variant="default"
                  title={t('request.declineNote')}
                  disabled={declining.busy}
                  onClick={() => declining.run(r.id)}
                >
                  {t('request.decline')}
                </Button>
              </div>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
