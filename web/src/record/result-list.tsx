import { OutsideMark } from '#parts/outside.tsx'
import { Panel } from '#parts/page.tsx'
import { Spark } from '#parts/spark.tsx'
import type { ResultLine } from '#rpc/results.ts'
import { amounts } from '#words/amount.ts'
import { useWords } from '#words/context.tsx'
import type { Words } from '#words/words.ts'

/** As sources mostly list them. */
const GROUPS =
  `vital metabolism lipids kidney electrolytes liver blood clotting inflammation thyroid iron heart hormones laboratory questionnaires
  other`.split(/\s+/)

export const resultName = (words: Words, { analyte, name }: Pick<ResultLine, 'analyte' | 'name'>): string =>
  analyte ? words.maybe(`analyte.${analyte}`, name) : name

/** Everything measured, by what it says of: each with its newest value, its course and where it is from. */
export function ResultList({ lines, href }: { readonly lines: readonly ResultLine[]; readonly href: (key: string) => string }) {
  const words = useWords()
  const byGroup = Map.groupBy(lines, l => l.group)
  return GROUPS.filter(g => byGroup.has(g)).map(group => (
    <Panel key={group} title={words.maybe(`group.${group}`, group)}>
      <ul className="kw-results">
        {[...byGroup.get(group)!]
          .map(line => ({ line, name: resultName(words, line) }))
          .sort((a, b) => a.name.localeCompare(b.name, words.locale))
          .map(({ line, name }) => (
            <li key={line.key}>
              <ResultRow line={line} name={name} href={href(line.key)} />
            </li>
          ))}
      </ul>
    </Panel>
  ))
}

export function ResultRow({ line, name, href }: { readonly line: ResultLine; readonly name: string; readonly href: string }) {
  const words = useWords()
  const { t, n } = words
  const others = line.from.filter(f => f !== null)
  const sub = [
    line.date ? words.date(line.date) : t('timeline.undated'),
    line.count > 1 && n('results.count', line.count),
    others.length > 0 && t('results.from', { names: words.list(line.from.map(f => f ?? t('results.fromOwn'))) }),
  ]
  return (
    <a className="kw-result" href={href}>
      <span className="kw-line-text">
        <span className="kw-result-name">{name}</span>
        <span className="kw-line-sub">{sub.filter(Boolean).join(' · ')}</span>
      </span>
      {line.spark.length > 0 ? <Spark lines={line.spark} /> : <span className="kw-spark" />}
      <span className="kw-result-value">
        <span className="kw-line-value kw-number">
          {line.latest.length ? amounts(words, line.latest, line.unit, line.comparator) : line.words}
        </span>
        {line.outside && <OutsideMark outside={line.outside} />}
      </span>
    </a>
  )
}
