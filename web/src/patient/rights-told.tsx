import { Panel, Tag } from '#parts/page.tsx'
import type { ToldView } from '#rpc/rights.ts'
import { useWords } from '#words/context.tsx'

/** What organisations say that they owe to say: a breach, or that they keep what they would have deleted. Their word, and shown as such. */
export function Told({ told }: { readonly told: readonly ToldView[] }) {
  const { t } = useWords()
  if (!told.length) return null
  return (
    <Panel title={t('told.title')} icon="alert" wide>
      <ul className="kw-lines">
        {told.map(d => (
          <li key={d.id}>
            <Line told={d} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function Line({ told: d }: { readonly told: ToldView }) {
  const words = useWords()
  const { t } = words
  const { name } = d
  const span = { name, from: words.time(d.since), to: words.time(d.until ?? d.since) }
  const says =
    d.kind === 'breach'
      ? t('told.breach', span)
      : d.ended !== null
        ? t('told.released', { name, date: words.day(d.ended) })
        : d.until === null
          ? t('told.hold', { name })
          : t('told.holdUntil', { name, date: words.day(d.until) })
  return (
    <div className="kw-stack kw-stack-tight">
      <p>
        <strong>{says}</strong> {d.kind === 'breach' && <Tag tone="bad">{t('told.serious')}</Tag>}
      </p>
      {d.text && <blockquote className="kw-quote">{d.text}</blockquote>}
      <p className="kw-dim">{[d.law, words.time(d.at)].filter(Boolean).join(' · ')}</p>
      <p>
        {t(d.kind === 'breach' ? 'told.breachNote' : 'told.holdNote')} {d.kind === 'breach' && <a href="#/who">{t('told.breachGo')}</a>}
      </p>
    </div>
  )
}
