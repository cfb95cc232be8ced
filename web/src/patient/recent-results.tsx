import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Panel } from '#parts/page.tsx'
import { ResultRow, resultName } from '#record/result-list.tsx'
import { useWords } from '#words/context.tsx'

const SHOWN = 8
/** What is measured at every visit is no news. */
const NOT_NEWS = new Set(['vital', 'questionnaires', 'other'])

/** The newest laboratory results, each a door to its series. */
export function RecentResults() {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { value } = useAsk(() => api.results(null), [], ['records'])
  const lines = (value?.lines ?? [])
    .filter(l => !NOT_NEWS.has(l.group))
    .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0))
    .slice(0, SHOWN)
  return (
    <Panel title={t('summary.results')} icon="flask" side={value && value.lines.length > 0 && <a href="#/results">{t('results.all')}</a>}>
      {lines.length ? (
        <ul className="kw-results">
          {lines.map(line => (
            <li key={line.key}>
              <ResultRow line={line} name={resultName(words, line)} href={`#/results/${line.key}`} />
            </li>
          ))}
        </ul>
      ) : (
        value && <p className="kw-dim">{t('summary.empty.results')}</p>
      )}
    </Panel>
  )
}
