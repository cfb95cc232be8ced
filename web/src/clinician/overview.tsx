import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import type { IconName } from '#parts/icon.tsx'
import { Panel } from '#parts/page.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { OverviewGroup, OverviewRow } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'
import { Line } from './lines.tsx'

const ICONS: Readonly<Record<OverviewGroup, IconName>> = {
  problems: 'heart',
  medications: 'pill',
  allergies: 'alert',
  vaccinations: 'syringe',
  results: 'flask',
  visits: 'visit',
}

export type ViewProps = {
  /** Changes as more is opened. */
  readonly version: number
  readonly hrefOf: (id: string) => string
  /** The record shown at the side. */
  readonly here: string
}

type OverviewProps = ViewProps & { readonly allOf: (type: string) => string }

/** What a clinician looks for first, on one page. */
export function Overview({ version, hrefOf, here, allOf }: OverviewProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.sessionOverview(null), [version])
  if (error) return <Failed error={error} onRetry={again} />
  if (!value) return <Waiting />
  return (
    <div className="kw-facets">
      {value.groups.map(g => (
        <Panel
          key={g.name}
          title={t(`overview.${g.name}`)}
          icon={ICONS[g.name]}
          side={<span className="kw-dim">{words.number(g.count)}</span>}
        >
          {g.rows.length ? (
            <ul>
              {g.rows.map(row => (
                <li key={row.id}>
                  <Line row={row} {...more(row)} href={hrefOf(row.id)} here={row.id === here} />
                </li>
              ))}
            </ul>
          ) : (
            <p className="kw-dim kw-small">{t('overview.none')}</p>
          )}
          {g.count > g.rows.length && (
            <p className="kw-small">
              <a href={allOf(g.rows[0]!.type)}>{words.n('problems.more', g.count - g.rows.length)}</a>
            </p>
          )}
        </Panel>
      ))}
    </div>
  )
}

const more = ({ note, outside }: OverviewRow): Pick<OverviewRow, 'note' | 'outside'> => ({
  ...(note ? { note } : {}),
  ...(outside ? { outside } : {}),
})
