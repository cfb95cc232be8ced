import { type ReactNode, useMemo } from 'react'
import { Narrative } from '#parts/narrative.tsx'
import { useWords } from '#words/context.tsx'
import { type Cda, type CdaSection, readCda } from './cda.ts'
import { PlainText } from './plain-text.tsx'
import { textOf } from './text.ts'
import './viewer.css'

type CdaProps = {
  readonly title: string
  readonly bytes: Uint8Array
  /** Draws a body that is a file of its own. */
  readonly inner: (file: NonNullable<Cda['file']>) => ReactNode
}

/** A clinical document by its narrative: the part that its author vouched for, and that people are meant to read. */
export function CdaDocument({ title, bytes, inner }: CdaProps) {
  const words = useWords()
  const { t } = words
  const cda = useMemo(() => readCda(textOf(bytes)), [bytes])
  if (!cda) return <PlainText title={title} bytes={bytes} />
  const facts = [
    [t('images.cdaDate'), cda.date && words.date(cda.date)],
    [t('images.cdaAuthor'), words.list(cda.authors.slice(0, 6))],
    [t('images.cdaCustodian'), cda.custodian],
  ].filter(([, value]) => value)
  return (
    <div className="kw-stack kw-cda">
      <dl className="kw-facts">
        {facts.map(([name, value]) => (
          <div className="kw-contents" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {cda.file && inner(cda.file)}
      {cda.sections.map((section, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the document never changes
        <Section key={i} section={section} />
      ))}
      <details>
        <summary>{t('record.source')}</summary>
        <PlainText title={t('record.source')} bytes={bytes} />
      </details>
    </div>
  )
}

const Section = ({ section }: { readonly section: CdaSection }) => (
  <section className="kw-stack kw-stack-tight">
    {section.title && <h2>{section.title}</h2>}
    {section.text && <Narrative root={section.text} label={section.title} />}
    {section.sections.map((inner, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the document never changes
      <Section key={i} section={inner} />
    ))}
  </section>
)
