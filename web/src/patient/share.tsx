import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { LinkPanel } from '#parts/link-panel.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { ContactView, ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { Requests } from './requests.tsx'
import { endedKey, endsSoon, Person, shareSub, useEnding } from './share-terms.tsx'

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
  const cared = value?.received.filter(s => s.level === 'admin' && s.state === 'live') ?? []
  const others = value?.received.filter(s => !cared.includes(s)) ?? []
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
            <Given list={value.given.filter(s => !s.of)} passed={value.passed} onChange={again} />
            <People list={value.contacts} />
            <LinkPanel title={t('links.title')} icon="share" text={t('links.lead')} href="#/links" go={t('links.open')} />
            <LinkPanel title={t('share.rules')} icon="clock" text={t('share.rulesNote')} href="#/rules" go={t('share.rulesGo')} />
            <LinkPanel title={t('share.noKeepwell')} icon="paper" text={t('share.noKeepwellNote')} href="#/print" go={t('share.print')} />
            {cared.length > 0 && <Received title={t('sharing.lookAfter')} list={cared} />}
            {others.length > 0 && <Received title={t('share.received')} list={others} />}
          </div>
        </>
      )}
    </Page>
  )
}

type GivenProps = { readonly list: readonly ShareView[]; readonly passed: readonly ShareView[]; readonly onChange: () => Promise<void> }

function Given({ list, passed, onChange }: GivenProps) {
  const words = useWords()
  const { t } = words
  const ending = useEnding(onChange)
  const live = list.filter(s => s.state === 'live')
  const over = [...list, ...passed].filter(s => s.state !== 'live')
  const under = (s: ShareView): readonly ShareView[] => passed.filter(p => p.state === 'live' && p.under && s.consents.includes(p.under))
  return (
    <Panel title={t('share.given')} icon="share">
      {ending.ended && (
        <Banner icon="check" urgent>
          <p>{t('share.endDone', { name: ending.ended.name })}</p>
          {ending.ended.unreached.map(name => (
            <p key={name}>{t('share.unreached', { name })}</p>
          ))}
        </Banner>
      )}
      {live.length ? (
        <ul className="kw-lines">
          {live.map(s => (
            <li key={s.id}>
              <ShareLine share={s} />
              {under(s).map(p => (
                <div key={p.id} className="kw-passed">
                  <p className="kw-dim kw-small">{t('sharing.passed', { by: p.by?.name ?? s.name })}</p>
                  <ShareLine share={p} />
                </div>
              ))}
              <Button size="sm" variant="default" onClick={() => ending.ask(s)}>
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
                <ShareLine share={s} />
              </li>
            ))}
          </ul>
        </details>
      )}
      {ending.dialog}
    </Panel>
  )
}

const ShareLine = ({ share: s }: { readonly share: ShareView }) => {
  const words = useWords()
  const { t } = words
  const state = s.state === 'live' ? null : <Tag>{t(endedKey(s))}</Tag>
  return (
    <RecordLine
      wrap
      href={`#/share/${s.id}`}
      title={s.name}
      sub={shareSub(words, s)}
      glyph={<Person />}
      side={endsSoon(s) ? <Tag tone="warn">{t('sharing.endsSoon')}</Tag> : state}
    />
  )
}

function Received({ title, list }: { readonly title: string; readonly list: readonly ShareView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={title} icon="folder" wide side={<a href="#/desk">{t('nav.desk')}</a>}>
      <ul className="kw-lines">
        {list.map(s => (
          <li key={s.id}>
            <div className="kw-row kw-row-between">
              <RecordLine
                wrap
                title={s.name}
                sub={`${shareSub(words, s)}${s.by ? ` · ${t('shared.by', { by: s.by.name })}` : ''}`}
                glyph={<Person />}
              />
              {s.state === 'expired' ? (
                <Tag>{t('share.expired')}</Tag>
              ) : s.level === 'write' ? (
                <Button component="a" href={`#/desk/add/${encodeURIComponent(s.did)}`} variant="light">
                  {t('shared.add')}
                </Button>
              ) : (
                <Button component="a" href={s.level === 'admin' ? `#/cared/${s.id}` : `#/desk/of/${s.id}`} variant="light">
                  {t(s.level === 'admin' ? 'sharing.open' : 'share.read')}
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function People({ list }: { readonly list: readonly ContactView[] }) {
  const words = useWords()
  const { t } = words
  return (
    <Panel title={t('share.people')} icon="person">
      {list.length ? (
        <ul className="kw-lines">
          {list.map(c => (
            <li key={c.did}>
              <RecordLine
                wrap
                href={`#/person/${encodeURIComponent(c.did)}`}
                title={c.name}
                sub={t('settings.since', { date: words.day(c.since) })}
                glyph={<Person />}
                side={c.verified ? undefined : <Tag tone="warn">{t('sharing.notCompared')}</Tag>}
              />
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
        <Button component="a" href="#/add-person" variant="default">
          {t('sharing.addById')}
        </Button>
      </div>
    </Panel>
  )
}
