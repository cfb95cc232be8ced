import { Panel } from '#parts/page.tsx'
import type { LinkSection, SummaryView } from '#rpc/links.ts'
import { useWords } from '#words/context.tsx'
import { Lines } from './card-view.tsx'

/** A patient summary of whatever origin, section by section: whose it is, of when, what it says and what it does not know. */
export function PatientSummary({ summary }: { readonly summary: SummaryView }) {
  const { t, date } = useWords()
  const { name, birthDate, date: made, sections } = summary
  const head = [name, birthDate && t('link.born', { date: date(birthDate) }), made && t('link.asOf', { date: date(made) })]
  return (
    <div className="kw-stack">
      <p className="kw-lead">{head.filter(Boolean).join(' · ')}</p>
      {sections.map(section => (
        <Section key={section.code} section={section} />
      ))}
    </div>
  )
}

function Section({ section }: { readonly section: LinkSection }) {
  const { t, maybe } = useWords()
  const { code, title, lines, words, unavailable } = section
  return (
    <Panel title={maybe(`section.${code}`, title)}>
      {lines.length ? <Lines lines={lines} /> : <p>{unavailable ? t('link.unavailable') : words || t('link.nothing')}</p>}
    </Panel>
  )
}
