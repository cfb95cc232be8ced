import { useEffect } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { type IconName, Sign } from '#parts/icon.tsx'
import { Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { NewsItem, NewsKind } from '#rpc/attention.ts'
import { agentText } from '#words/agent.ts'
import { useWords } from '#words/context.tsx'

const LOOK: Readonly<Record<NewsKind, { readonly icon: IconName; readonly href: string; readonly tone?: string }>> = {
  records: { icon: 'paper', href: '#/timeline', tone: 'brand' },
  opened: { icon: 'eye', href: '#/who', tone: 'accent' },
  request: { icon: 'share', href: '#/share', tone: 'brand' },
  contact: { icon: 'person', href: '#/share' },
  shared: { icon: 'share', href: '#/share', tone: 'good' },
  ended: { icon: 'clock', href: '#/share' },
  ending: { icon: 'clock', href: '#/share', tone: 'accent' },
  held: { icon: 'alert', href: '#/attention', tone: 'bad' },
  emergency: { icon: 'alert', href: '#/emergency', tone: 'bad' },
  concern: { icon: 'alert', href: '#/', tone: 'bad' },
  asked: { icon: 'person', href: '#/rights', tone: 'brand' },
  answered: { icon: 'check', href: '#/rights', tone: 'good' },
  frozen: { icon: 'lock', href: '#/desk', tone: 'accent' },
  lifted: { icon: 'lock', href: '#/desk' },
  objected: { icon: 'alert', href: '#/desk', tone: 'accent' },
  erased: { icon: 'trash', href: '#/desk' },
  amended: { icon: 'paper', href: '#/desk' },
  guarding: { icon: 'person', href: '#/guarding', tone: 'brand' },
  guardian: { icon: 'key', href: '#/guardians', tone: 'good' },
  breach: { icon: 'alert', href: '#/rights', tone: 'bad' },
  hold: { icon: 'lock', href: '#/rights', tone: 'accent' },
  released: { icon: 'lock', href: '#/rights' },
  ruleWaits: { icon: 'clock', href: '#/rules', tone: 'accent' },
  ruleGave: { icon: 'share', href: '#/rules', tone: 'good' },
  copies: { icon: 'alert', href: '#/settings/backups', tone: 'bad' },
  warning: { icon: 'alert', href: '#/settings/backups', tone: 'bad' },
  untold: { icon: 'alert', href: '#/who', tone: 'accent' },
  unproved: { icon: 'alert', href: '#/guardians', tone: 'bad' },
}

/** What an agent says of the person's own rules for erasing leads to where these are shown and ended. */
const OF_RULES: ReadonlySet<string> = new Set(['due', 'gone', 'retention'])

/** What happened lately. Whoever has seen this list has read it. */
export function News() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.news(null), [], ['news'])
  // The marks of what is new stay for this visit; the count beside the bell goes.
  useEffect(() => () => void api.newsRead(null).catch(() => {}), [api])
  return (
    <Page title={t('news.title')} tab={t('news.title')} lead={t('news.lead')}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.items.length ? (
        <Panel>
          <ul className="kw-lines">
            {value.items.map(item => (
              <li key={item.id}>
                <Line item={item} />
              </li>
            ))}
          </ul>
        </Panel>
      ) : (
        <Empty icon="bell" title={t('news.none')}>
          {t('news.noneLead')}
        </Empty>
      )}
    </Page>
  )
}

function Line({ item }: { readonly item: NewsItem }) {
  const words = useWords()
  const { n, t } = words
  const { icon, href, tone } = LOOK[item.kind]
  return (
    <RecordLine
      wrap
      href={OF_RULES.has(item.said?.code ?? '') ? '#/rights/keep' : href}
      glyph={<Sign name={icon} tone={tone} />}
      title={agentText(words, item.said) ?? n(`news.${item.kind}`, item.count, { name: item.name || t('news.somebody') })}
      sub={
        <>
          {words.time(item.at)} {!item.read && <Tag tone="brand">{t('news.new')}</Tag>}
        </>
      }
    />
  )
}
