import { Button } from '@mantine/core'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { ShareView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { endedKey, Person, purposesText, ShareGone, scopeText, shareSub, useEnding } from './share-terms.tsx'

/** A record that one looks after: open it, add to it, share it on, and end what was shared on. */
export function Cared({ id }: { readonly id: string }) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.shares(null), [id], ['sharing'])
  const share = value?.received.find(s => s.id === id)
  const live = share?.state === 'live'
  return (
    <Page
      title={share ? t('shared.title', { name: share.name }) : t('sharing.lookAfter')}
      tab={t('share.received')}
      back={{ href: '#/share', label: t('share.title') }}
      {...(share ? { lead: t('shared.caredLead', { name: share.name }) } : {})}
      actions={
        live && (
          <>
            <Button component="a" href={`#/desk/of/${id}`}>
              {t('shared.open')}
            </Button>
            {share.mayAdd && (
              <Button component="a" href={`#/desk/add/${encodeURIComponent(share.did)}`} variant="default">
                {t('shared.add')}
              </Button>
            )}
            {share.level === 'admin' && (
              <Button component="a" href={`#/pass-on/${id}`} variant="default">
                {t('shared.passOn')}
              </Button>
            )}
          </>
        )
      }
    >
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : !share ? (
        <ShareGone />
      ) : (
        <>
          <Panel title={t('sharing.terms')} icon="share">
            <dl className="kw-facts">
              <div className="kw-contents">
                <dt>{t('sharing.termWhat')}</dt>
                <dd>{scopeText(words, share)}</dd>
              </div>
              <div className="kw-contents">
                <dt>{t('sharing.termWhy')}</dt>
                <dd>{purposesText(words, share)}</dd>
              </div>
              <div className="kw-contents">
                <dt>{t('sharing.termUntil')}</dt>
                <dd>{live ? words.time(share.until) : t('share.expired')}</dd>
              </div>
            </dl>
          </Panel>
          <PassedOn list={value.given.filter(s => s.under && share.consents.includes(s.under))} onChange={again} />
        </>
      )}
    </Page>
  )
}

/** What one shared on of the record one looks after, and the end of it. */
function PassedOn({ list, onChange }: { readonly list: readonly ShareView[]; readonly onChange: () => Promise<void> }) {
  const words = useWords()
  const { t } = words
  const ending = useEnding(onChange)
  if (!list.length) return null
  return (
    <Panel title={t('shared.passedOn')} icon="share">
      {ending.ended && (
        <Banner icon="check" urgent>
          {t('share.endDone', { name: ending.ended.name })}
        </Banner>
      )}
      <ul className="kw-lines">
        {list.map(s => (
          <li key={s.id}>
            <RecordLine
              wrap
              title={s.name}
              sub={shareSub(words, s)}
              glyph={<Person />}
              side={s.state === 'live' ? undefined : <Tag>{t(endedKey(s))}</Tag>}
            />
            {s.state === 'live' && (
              <Button size="sm" variant="default" onClick={() => ending.ask(s)}>
                {t('share.end')}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {ending.dialog}
    </Panel>
  )
}
