import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Empty, Panel, Tag } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, statusName, titleText } from '#record/labels.ts'
import type { ProblemView } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { Line } from './lines.tsx'
import type { ViewProps } from './overview.tsx'

const SHOWN = 12
const WHY = { named: 'problems.named', code: 'problems.code', visit: 'problems.visit' } as const

/** Every condition with what belongs to it, and why we think so; what belongs to none stands apart. */
export function Problems({ version, ...view }: ViewProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.sessionProblems(null), [version])
  if (error) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <div className="kw-stack">
      {version === 0 && <p className="kw-dim kw-small">{t('problems.cardsOnly')}</p>}
      {value.problems.length === 0 && <Empty icon="heart" title={t('problems.none')} />}
      {value.problems.map(p => (
        <ProblemPanel key={p.row.id} problem={p} {...view} />
      ))}
      {value.unlinked.length > 0 && (
        <Panel title={t('problems.unlinked')}>
          <p className="kw-dim kw-small">{t('problems.unlinkedNote')}</p>
          {value.unlinked.map(g => (
            <details key={g.type} className="kw-more">
              <summary>{`${kindName(words, g.type)} (${words.number(g.count)})`}</summary>
              <ul>
                {g.rows.map(row => (
                  <li key={row.id}>
                    <Line row={row} href={view.hrefOf(row.id)} here={row.id === view.here} />
                  </li>
                ))}
              </ul>
              {g.count > g.rows.length && <p className="kw-dim kw-small">{n('problems.more', g.count - g.rows.length)}</p>}
            </details>
          ))}
        </Panel>
      )}
    </div>
  )
}

type PanelProps = { readonly problem: ProblemView } & Omit<ViewProps, 'version'>

function ProblemPanel({ problem: p, hrefOf, here }: PanelProps) {
  const words = useWords()
  const { t, n } = words
  const state = p.row.status ? statusName(words, p.row.status) : ''
  const lines = (from: number, to?: number) =>
    p.links.slice(from, to).map(row => (
      <li key={row.id}>
        <Line row={row} href={hrefOf(row.id)} here={row.id === here} note={`${kindName(words, row.type)}, ${t(WHY[row.why])}`} />
      </li>
    ))
  return (
    <Panel
      title={
        <a className="kw-plain" href={hrefOf(p.row.id)}>
          {titleText(p.row.title)}
        </a>
      }
      side={state && <Tag tone={p.over ? 'plain' : 'brand'}>{state}</Tag>}
    >
      <p className="kw-dim kw-small">
        {[p.row.date && words.date(p.row.date), n('problems.times', p.times), n('problems.linked', p.links.length)]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {p.links.length ? <ul>{lines(0, SHOWN)}</ul> : <p className="kw-dim kw-small">{t('problems.noLinks')}</p>}
      {p.links.length > SHOWN && (
        <details className="kw-more">
          <summary>{n('problems.more', p.links.length - SHOWN)}</summary>
          <ul>{lines(SHOWN)}</ul>
        </details>
      )}
    </Panel>
  )
}
